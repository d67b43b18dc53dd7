//! The section `[traces]` of the configuration.

use std::{collections::BTreeMap, path::PathBuf};

use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;
use url::Url;

use crate::config::{ConfigError, Configuration, Secret};

/// What the path of OTLP over HTTP ends with, for traces.
const PATH: &str = "v1/traces";

/// Where traces go, and of how many requests.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TracesConfig {
    /// The collector's address, without `/v1/traces`: OTLP over HTTP, as protobuf.
    #[schemars(with = "String")]
    pub endpoint: Spanned<String>,
    /// Which part of all requests is traced, from 0 to 1.
    #[serde(default = "one_in_a_hundred")]
    #[schemars(with = "f64")]
    pub share: Spanned<f64>,
    /// How many requests a second are traced beyond that because their callers trace them (`traceparent` with the sampled flag).
    #[serde(default = "ten")]
    pub asked_per_second: u32,
    /// What the collector knows this node by.
    #[serde(default = "berth")]
    pub service: String,
    /// Headers that the collector wants, each by reference.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Secret>")]
    pub headers: BTreeMap<String, Spanned<Secret>>,
    /// Authorities in PEM that the collector's certificate must be of, in place of the public ones.
    #[schemars(with = "Option<PathBuf>")]
    pub authority: Option<Spanned<PathBuf>>,
}

// A collector is sized for a share of the requests, and who wants to see one request asks for it. So a node that is told no more than
// an address does not flood it.
fn one_in_a_hundred() -> Spanned<f64> {
    Spanned::new(0..0, 0.01)
}

fn ten() -> u32 {
    10
}

fn berth() -> String {
    "berth".into()
}

/// The same, looked at and read.
pub(super) struct Ready {
    pub(super) address: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) authority: Option<String>,
}

impl TracesConfig {
    /// Looks at what needs no file.
    pub(crate) fn check(&self, configuration: &Configuration) -> Result<(), ConfigError> {
        self.address(configuration)?;
        if !(0.0..=1.0).contains(self.share.get_ref()) {
            return Err(configuration.wrong(&self.share, "`share` is from 0 to 1"));
        }
        for (name, reference) in &self.headers {
            header(configuration, name, reference)?;
        }
        Ok(())
    }

    fn address(&self, configuration: &Configuration) -> Result<Url, ConfigError> {
        let wrong = |what: &str| configuration.wrong(&self.endpoint, format!("`endpoint` {what}"));
        let mut address = Url::parse(self.endpoint.get_ref())
            .map_err(|_| wrong("is an address, e.g. \"http://127.0.0.1:4318\""))?;
        if !matches!(address.scheme(), "http" | "https") || !address.has_host() {
            return Err(wrong("begins with http:// or https:// and a host"));
        }
        // Said without the address itself.
        if !address.username().is_empty() || address.password().is_some() || address.query().is_some() {
            return Err(wrong("has no user, password or query: what is secret goes into `headers`"));
        }
        let path = format!("{}/{PATH}", address.path().trim_end_matches('/'));
        address.set_path(&path);
        Ok(address)
    }

    /// Reads what it refers to.
    pub(super) fn ready(&self, configuration: &Configuration) -> Result<Ready, ConfigError> {
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, reference) in &self.headers {
            let header = header(configuration, name, reference)?;
            let value = configuration.secret(reference, "the header")?;
            let value = HeaderValue::from_str(value.trim());
            let mut value = value.map_err(|_| {
                configuration.wrong(reference, "what it refers to cannot be sent as a header")
            })?;
            // Hides it in Debug, and keeps it out of HTTP/2's header tables.
            value.set_sensitive(true);
            headers.push((header, value));
        }
        let authority = self.authority.as_ref().map(|path| {
            let file = configuration.at(path.get_ref());
            std::fs::read_to_string(&file).map_err(|error| {
                configuration.wrong(path, format!("{} cannot be read: {error}", file.display()))
            })
        });
        Ok(Ready { address: self.address(configuration)?, headers, authority: authority.transpose()? })
    }
}

fn header(
    configuration: &Configuration,
    name: &str,
    place: &Spanned<Secret>,
) -> Result<HeaderName, ConfigError> {
    let wrong = |_| configuration.wrong(place, format!("{name:.60?} is no header's name"));
    HeaderName::from_bytes(name.as_bytes()).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const SMALL: &str =
        "state = \"s\"\nmaster_key = { env = \"K\" }\ngateway.listen = \"127.0.0.1:0\"\n[traces]\n";

    fn parse(lines: &str) -> Result<Configuration, ConfigError> {
        Configuration::parse(Path::new("/etc/berth/node.toml"), format!("{SMALL}{lines}"))
    }

    fn address(endpoint: &str) -> String {
        let read = parse(&format!("endpoint = {endpoint:?}")).unwrap();
        let traces = read.config.traces.as_ref().unwrap();
        traces.address(&read).unwrap().to_string()
    }

    #[test]
    fn the_section_in_the_example_is_one_with_the_defaults() {
        let (_, section) = crate::EXAMPLE.split_once("# [traces]\n").unwrap();
        let (section, _) = section.split_once("\n\n").unwrap();
        let lines: Vec<_> = section.lines().filter(|line| line.contains(" = ")).collect();
        let read = parse(&lines.join("\n").replace("# ", "")).unwrap();
        let (example, small) = (read.config.traces.unwrap(), parse("endpoint = \"http://a\"").unwrap());
        let small = small.config.traces.unwrap();
        assert_eq!((lines.len(), example.share.get_ref()), (6, small.share.get_ref()));
        assert_eq!((example.asked_per_second, example.service), (small.asked_per_second, small.service));
    }

    #[test]
    fn the_path_of_the_protocol_follows_the_collectors_address() {
        assert_eq!(address("http://127.0.0.1:4318"), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(address("https://collector.example/otlp/"), "https://collector.example/otlp/v1/traces");
    }

    #[test]
    fn what_is_wrong_with_traces_is_told_with_its_line_and_without_secrets() {
        for (lines, place, word) in [
            ("", (4, 1), "endpoint"),
            ("endpoint = \"127.0.0.1:4318\"", (5, 12), "http://"),
            ("endpoint = \"ftp://a\"", (5, 12), "http://"),
            ("endpoint = \"http://user:hunter2@a\"", (5, 12), "headers"),
            ("endpoint = \"http://a/?key=hunter2\"", (5, 12), "headers"),
            ("endpoint = \"http://a\"\nshare = 1.5", (6, 9), "0 to 1"),
            ("endpoint = \"http://a\"\nshare = nan", (6, 9), "0 to 1"),
            ("endpoint = \"http://a\"\nshares = 1", (6, 1), "shares"),
            ("endpoint = \"http://a\"\nheaders = { a = \"hunter2\" }", (6, 17), ""),
            ("endpoint = \"http://a\"\nheaders = { \"a b\" = { env = \"E\" } }", (6, 21), "header's name"),
        ] {
            let error = parse(lines).unwrap_err();
            assert_eq!(error.place, Some(place), "{error}");
            assert!(error.what.contains(word) && !error.what.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_header_that_others_can_read_or_that_is_none_is_refused_without_being_shown() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let text =
            format!("{SMALL}endpoint = \"http://a\"\nheaders = {{ authorization = {{ file = \"token\" }} }}");
        let read = Configuration::parse(&folder.path().join("node.toml"), text).unwrap();
        let ready = || read.config.traces.as_ref().unwrap().ready(&read);
        let file = folder.path().join("token");
        assert!(ready().err().unwrap().what.contains("token"));
        let write = |text: &str, mode| {
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write("Bearer hunter2\n", 0o644);
        assert!(ready().err().unwrap().what.contains("chmod 600"));
        write("Bearer hunter2\n", 0o600);
        let (name, value) = ready().unwrap().headers.remove(0);
        assert_eq!((name.as_str(), value.as_bytes()), ("authorization", &b"Bearer hunter2"[..]));
        assert!(!format!("{value:?}").contains("hunter2"));
        write("hunter2\nhunter3", 0o600);
        let error = ready().err().unwrap();
        assert!(error.place == Some((6, 29)) && !error.what.contains("hunter"), "{error}");
    }
}
