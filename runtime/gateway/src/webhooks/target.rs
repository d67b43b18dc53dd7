//! Where webhooks may go.
//!
//! A participant names an address, and the node sends requests to it from where the node stands. So an address is `https://`.
//! The node's own machine is refused, where ledgers' nodes and the operator's page listen, and so are link-local addresses,
//! where clouds tell a machine its credentials: in the address itself, when the webhook is made and each time that something is
//! sent, and in what its name resolves to at each connection. Private networks are not refused, since receivers of a consortium stand
//! there: an operator whose node reaches what its participants must not reach keeps it away with a firewall.
//!
//! An operator may let webhooks go to the node's own machine, then also as `http://`: for trying out, and for a receiver beside
//! the node.

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
///
/// `local`: the node's own machine may be reached.
pub(crate) fn check(text: &str, local: bool) -> Result<String, String> {
    if text.len() > MAX_URL {
        return Err(format!("it has more than {MAX_URL} bytes"));
    }
    let url = Url::parse(text).map_err(|error| format!("it is no address: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("user names, passwords and fragments do not belong into it".into());
    }
    let (address, loopback) = match url.host() {
        None => return Err("it has no host".into()),
        Some(Host::Domain(name)) => (None, name.trim_end_matches('.') == "localhost"),
        Some(Host::Ipv4(address)) => (Some(IpAddr::from(address)), address.is_loopback()),
        Some(Host::Ipv6(address)) => (Some(IpAddr::from(address)), address.is_loopback()),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback && local => {}
        "http" => return Err("http:// is in clear: take https://".into()),
        _ => return Err("it begins with neither https:// nor http://".into()),
    }
    if (loopback && !local) || address.is_some_and(|address| is_refused(address, local)) {
        return Err("this machine's own, link-local, multicast and unspecified addresses are refused".into());
    }
    Ok(url.into())
}

/// Addresses that no receiver has.
fn is_refused(address: IpAddr, local: bool) -> bool {
    /// Where one cloud tells its machines their credentials; the others' are link-local.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let v4 = |address: Ipv4Addr| {
        address.is_link_local()
            || address.is_multicast()
            || address.is_unspecified()
            || address.is_broadcast()
            || (address.is_loopback() && !local)
    };
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => {
            inner(address).is_some_and(v4)
                || (address.is_loopback() && !local)
                || address.is_unicast_link_local()
                || address.is_multicast()
                || address.is_unspecified()
                || address == METADATA
        }
    }
}

/// The IPv4 address that one of IPv6 leads to: mapped (RFC 4291, 2.5.5.2), or through a translator (RFC 6052, 2.1).
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let through = [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0];
    let translated = through.then(|| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    address.to_ipv4_mapped().or(translated)
}

/// Names become addresses as the system says, without those that are refused.
#[derive(Clone)]
pub(crate) struct Resolver {
    system: GaiResolver,
    local: bool,
}

impl Resolver {
    /// `local`: the node's own machine may be reached.
    pub(crate) fn new(local: bool) -> Self {
        Resolver { system: GaiResolver::new(), local }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Service::poll_ready(&mut self.system, context)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = Service::call(&mut self.system, name);
        let local = self.local;
        Box::pin(async move {
            let taken: Vec<_> = found.await?.filter(|address| !is_refused(address.ip(), local)).collect();
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
            ("https://[64:ff9b::8.8.8.8]/", "https://[64:ff9b::808:808]/"),
        ] {
            assert_eq!(check(text, false).as_deref(), Ok(normal));
        }
    }

    #[test]
    fn the_nodes_own_machine_is_refused_unless_the_operator_says_otherwise() {
        for text in [
            "http://127.0.0.1:8000/",
            "http://localhost:8000/",
            "http://[::1]:8000/",
            "https://127.0.0.1/",
            "https://127.9.9.9/",
            "https://localhost/",
            "https://localhost./",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://0x7f.1/",
        ] {
            assert!(check(text, false).is_err(), "{text}");
        }
        assert_eq!(check("http://127.0.0.1:8000/", true).as_deref(), Ok("http://127.0.0.1:8000/"));
        assert_eq!(check("http://[::1]:8000/", true).as_deref(), Ok("http://[::1]:8000/"));
        assert_eq!(check("https://localhost/", true).as_deref(), Ok("https://localhost/"));
    }

    #[tokio::test]
    async fn a_name_of_the_nodes_own_machine_leads_nowhere_unless_the_operator_says_otherwise() {
        let found = |local| Resolver::new(local).call("localhost".parse().unwrap());
        assert_eq!(found(false).await.unwrap().count(), 0);
        assert!(found(true).await.unwrap().count() > 0);
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
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://0.0.0.0/",
            "https://[::]/",
            "https://224.0.0.1/",
            &long,
        ] {
            let refused = check(text, true);
            assert!(refused.is_err(), "{text}");
            assert!(!refused.unwrap_err().contains("secret"), "{text}");
        }
    }
}
