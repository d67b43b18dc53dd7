//! Where webhooks may go.
//!
//! A participant names an address, and the node sends requests to it from where the node stands. So an address is `https://`,
//! or `http://` on the node's own machine; link-local addresses, where clouds tell a machine its credentials, are refused, in
//! the address itself and again in what its name resolves to at each connection. Private networks are not refused, since
//! receivers of a consortium stand there: an operator whose node reaches what its participants must not reach keeps it away
//! with a firewall.

use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;
use url::{Host, Url};

/// Bytes of an address: what fits in one line of a request nearly everywhere.
const MAX_URL: usize = 2_048;

/// The address in its normal form; otherwise what is wrong with it. The address itself is not repeated: it may hold a secret.
pub(crate) fn check(text: &str) -> Result<String, String> {
    if text.len() > MAX_URL {
        return Err(format!("it has more than {MAX_URL} bytes"));
    }
    let url = Url::parse(text).map_err(|error| format!("it is no address: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("user names, passwords and fragments do not belong into it".into());
    }
    let (address, loopback) = match url.host() {
        None => return Err("it has no host".into()),
        Some(Host::Domain(name)) => (None, name == "localhost"),
        Some(Host::Ipv4(address)) => (Some(IpAddr::from(address)), address.is_loopback()),
        Some(Host::Ipv6(address)) => (Some(IpAddr::from(address)), address.is_loopback()),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => return Err("http:// goes to this machine alone: take https://".into()),
        _ => return Err("it begins with neither https:// nor http://".into()),
    }
    if address.is_some_and(is_refused) {
        return Err("link-local, multicast and unspecified addresses are refused".into());
    }
    Ok(url.into())
}

/// Addresses that no receiver has.
fn is_refused(address: IpAddr) -> bool {
    /// Where one cloud tells its machines their credentials; the others' are link-local.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let v4 = |address: Ipv4Addr| {
        address.is_link_local()
            || address.is_multicast()
            || address.is_unspecified()
            || address.is_broadcast()
    };
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => {
            let inner = address.to_ipv4_mapped();
            inner.is_some_and(v4)
                || address.is_unicast_link_local()
                || address.is_multicast()
                || address.is_unspecified()
                || address == METADATA
        }
    }
}

/// Names become addresses as the system says, without those that are refused.
#[derive(Clone)]
pub(crate) struct Resolver(GaiResolver);

impl Resolver {
    pub(crate) fn new() -> Self {
        Resolver(GaiResolver::new())
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Service::poll_ready(&mut self.0, context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = Service::call(&mut self.0, name);
        Box::pin(async move {
            let taken: Vec<_> = found.await?.filter(|address| !is_refused(address.ip())).collect();
            Ok(taken.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_receivers_are_taken_in_their_normal_form() {
        for (text, normal) in [
            ("https://Example.org", "https://example.org/"),
            ("https://example.org:443/a?b=c", "https://example.org/a?b=c"),
            ("https://10.1.2.3:8443/hook", "https://10.1.2.3:8443/hook"),
            ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
            ("http://localhost:8000/", "http://localhost:8000/"),
            ("http://[::1]:8000/", "http://[::1]:8000/"),
        ] {
            assert_eq!(check(text).as_deref(), Ok(normal));
        }
    }

    #[test]
    fn other_addresses_are_refused_however_they_are_written() {
        let long = format!("https://example.org/{}", "a".repeat(MAX_URL));
        for text in [
            "",
            "example.org",
            "ftp://example.org/",
            "file:///etc/passwd",
            "http://example.org/",
            "http://10.0.0.1/",
            "http://localhost.example.org/",
            "https://user@example.org/",
            "https://:secret@example.org/",
            "https://example.org/#a",
            "https://169.254.169.254/latest/meta-data",
            "https://2852039166/",
            "https://0xa9.0xfe.0xa9.0xfe/",
            "https://[fe80::1]/",
            "https://[febf::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://[fd00:ec2::254]/",
            "https://0.0.0.0/",
            "https://[::]/",
            "https://224.0.0.1/",
            &long,
        ] {
            let refused = check(text);
            assert!(refused.is_err(), "{text}");
            assert!(!refused.unwrap_err().contains("secret"), "{text}");
        }
    }
}
