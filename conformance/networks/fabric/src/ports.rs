//! Ports that nobody uses.

use std::net::TcpListener;

use crate::process::NetworkError;

/// That many ports of loopback, all different. Another program may take one before it is used, which is unlikely: the system
/// gives out others first.
pub fn free<const N: usize>() -> Result<[u16; N], NetworkError> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(NetworkError::Port)?;
        *port = listener.local_addr().map_err(NetworkError::Port)?.port();
        held.push(listener);
    }
    Ok(ports)
}
