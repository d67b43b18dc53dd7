//! Which headers travel.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Header lines of one request or answer, and bytes of all of them together.
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 64 << 10;

/// Headers that the host alone sets, that belong to one connection, or that make a server see another request than
/// the one that was checked.
const REFUSED: [&str; 19] = [
    "host",
    "authorization",
    "cookie",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "content-length",
    "expect",
    "forwarded",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
    "x-real-ip",
];
const REFUSED_PREFIXES: [&str; 3] = ["proxy-", "x-forwarded-", "sec-"];

/// An answer's headers that mean nothing beyond its connection, or that an adapter must not keep.
const DROPPED: [&str; 9] = [
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "set-cookie",
    "set-cookie2",
    "alt-svc",
];

/// An adapter's headers; otherwise why they are refused.
pub(super) fn of_adapter(headers: &[(String, String)]) -> Result<HeaderMap, String> {
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(format!("more than {MAX_HEADERS} headers or {MAX_HEADER_BYTES} bytes of them"));
    }
    let mut map = HeaderMap::with_capacity(headers.len() + 4);
    for (name, value) in headers {
        let malformed = || format!("the header {name:.60?} is malformed");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed())?;
        let text = name.as_str();
        if REFUSED.contains(&text) || REFUSED_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            return Err(format!("the header {text} is the host's to set"));
        }
        let value = HeaderValue::from_str(value).map_err(|_| malformed())?;
        map.append(name, value);
    }
    Ok(map)
}

/// An answer's headers as an adapter sees them, in the order they came.
pub(super) fn to_adapter(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !DROPPED.contains(&name.as_str()) && !name.as_str().starts_with("proxy-"))
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_sets_is_refused_from_an_adapter_in_any_case() {
        for name in [
            "Host",
            "AUTHORIZATION",
            "cookie",
            "Proxy-Authorization",
            "Proxy-Anything",
            "Connection",
            "Keep-Alive",
            "TE",
            "Trailer",
            "Transfer-Encoding",
            "Upgrade",
            "Content-Length",
            "Forwarded",
            "X-Forwarded-For",
            "X-HTTP-Method-Override",
            "bad name",
            "",
            "a:b",
            "x\r\ny",
        ] {
            assert!(of_adapter(&[(name.into(), "v".into())]).is_err(), "{name}");
        }
        assert!(of_adapter(&[("x".into(), "a\r\nHost: evil".into())]).is_err());
        assert!(of_adapter(&vec![("x".into(), String::new()); MAX_HEADERS + 1]).is_err());
        assert_eq!(of_adapter(&[("Accept".into(), "a/b".into())]).unwrap().len(), 1);
    }
}
