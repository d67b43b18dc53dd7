//! A path from an adapter, appended to the operator's base address. It cannot leave it.

use percent_encoding::percent_decode_str;
use url::Url;

/// Bytes of a request's path and query.
const MAX_PATH: usize = 16 << 10;
/// A path that is still encoded after this many rounds of decoding is an attack.
const MAX_DECODINGS: usize = 4;

/// The base address that an operator gave, without a slash at its end.
///
/// Says what is wrong where it cannot be lent.
pub(crate) fn base(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("it begins with \"{}:\", not with http:// or https://", url.scheme()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("it has no host".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or password; use a header".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has a query or fragment; leave it away".into());
    }
    let path = url.path().trim_end_matches('/').to_string();
    url.set_path(&path);
    Ok(url)
}

/// The address of a request: the base with the path appended. Otherwise why it is refused.
pub(crate) fn join(base: &Url, path: &str) -> Result<Url, String> {
    if path.len() > MAX_PATH {
        return Err(format!("the path has {} bytes, more than {MAX_PATH}", path.len()));
    }
    let begins = path.is_empty() || path.starts_with('/') && !path.starts_with("//");
    if !begins {
        return Err("a path begins with one slash".into());
    }
    // Tabs and line breaks would be dropped by the parser, and a backslash read as a slash.
    if !path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#')) {
        return Err("a path has only visible ASCII characters, no backslash and no fragment".into());
    }
    stays(path.split('?').next().unwrap_or_default())?;

    let prefix = base.as_str().trim_end_matches('/');
    let joined = Url::parse(&format!("{prefix}{path}")).map_err(|error| format!("no address: {error}"))?;
    let below = joined.path().strip_prefix(base.path().trim_end_matches('/'));
    let same = joined.scheme() == base.scheme()
        && joined.host() == base.host()
        && joined.port() == base.port()
        && joined.username().is_empty()
        && joined.password().is_none()
        && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if same { Ok(joined) } else { Err("the path leaves the endpoint's base address".into()) }
}

/// Whether no server, however often it decodes, sees a segment that goes up.
fn stays(path: &str) -> Result<(), String> {
    let mut seen = path.to_string();
    for _ in 0..MAX_DECODINGS {
        if seen.contains(['\\', '\0']) || seen.contains("//") {
            return Err("a path has no backslash, no zero byte and no empty segment, encoded or not".into());
        }
        for segment in seen.split('/') {
            // Some servers leave away what follows a semicolon.
            let name = segment.split(';').next().unwrap_or_default();
            if matches!(name, "." | "..") {
                return Err("a path has no segment \".\" or \"..\", encoded or not".into());
            }
        }
        let decoded = percent_decode_str(&seen).decode_utf8_lossy().into_owned();
        if decoded == seen {
            return Ok(());
        }
        seen = decoded;
    }
    Err("the path is encoded more than once".into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_appended_to_the_base_with_its_query() {
        for (address, path, expected) in [
            ("http://node:80", "/v1/a?b=../c", "http://node/v1/a?b=../c"),
            ("http://node/key/", "/x", "http://node/key/x"),
            ("https://node:8443/a/b", "", "https://node:8443/a/b"),
            ("http://node", "/caf%C3%A9/", "http://node/caf%C3%A9/"),
            ("http://[::1]:1/x", "/..a/b..", "http://[::1]:1/x/..a/b.."),
        ] {
            assert_eq!(join(&base(address).unwrap(), path).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn a_path_that_could_leave_the_base_is_refused() {
        let base = base("http://node/base").unwrap();
        for path in [
            "x",
            "//evil/x",
            "/..",
            "/../x",
            "/a/../../x",
            "/%2e%2e/x",
            "/%2E./x",
            "/.%2e",
            "/a/%2e%2e%2fx",
            "/%252e%252e/x",
            "/%25252e%25252e/x",
            "/%2525252525252e",
            "/..;/x",
            "/%2e%2e;a=b/x",
            "/a\\..\\x",
            "/%5c..%5cx",
            "/a#b",
            "/a b",
            "/a\tb",
            "/a\r\nHost: evil",
            "/é",
            "http://evil/",
            "@evil/",
            ":81/",
            "?a",
            "/%2fevil",
            "/a//b",
            "/%00",
            "/.",
        ] {
            assert!(join(&base, path).is_err(), "{path}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_lent_is_refused() {
        for address in [
            "",
            "node",
            "ftp://node",
            "file:///etc",
            "http://user@node",
            "http://u:p@node",
            "http://node?a=b",
            "http://node#a",
            "http://",
            "http://node:99999",
        ] {
            assert!(base(address).is_err(), "{address}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_lies_under_the_base(path in "[/.%25ef;?#a-cA-F\\\\:@ 0-9]{0,40}") {
            let base = base("https://node:1/base").unwrap();
            if let Ok(joined) = join(&base, &path) {
                prop_assert!(joined.as_str().starts_with("https://node:1/base"));
                let rest = &joined.path()["/base".len()..];
                prop_assert!(rest.is_empty() || rest.starts_with('/'));
                let mut decoded = rest.to_string();
                for _ in 0..8 {
                    decoded = percent_decode_str(&decoded).decode_utf8_lossy().into_owned();
                    prop_assert!(!decoded.split(['/', '\\']).any(|segment| segment == ".."), "{}", joined);
                }
            }
        }

        #[test]
        fn any_text_is_joined_or_refused_and_never_panics(path in ".{0,60}", address in ".{0,40}") {
            let _ = base(&address);
            let _ = join(&base("http://node/x").unwrap(), &path);
        }
    }
}
