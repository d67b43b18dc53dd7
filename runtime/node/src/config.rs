//! The node's configuration: one TOML file.

use std::{
    collections::BTreeSet,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use berth_gateway::{Permitted, http};
use berth_identity::MasterKey;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use thiserror::Error;
use toml::Spanned;
use zeroize::Zeroizing;

use crate::{log::LogConfig, traces::TracesConfig};

/// The most bytes of a configuration.
const MAX_FILE: usize = 1 << 20;

/// A commented configuration, as `berth node init` writes it.
pub const EXAMPLE: &str = include_str!("node.toml");

/// The JSON Schema of the configuration, for editors and whoever writes one by a program. What it does not say, such as that an address
/// has a port, is told by [`Configuration::read`].
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Config).to_value()
}

/// The whole configuration. Paths in it begin at the file's own folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder in which the node keeps everything.
    pub state: PathBuf,
    /// Where the master key is.
    #[schemars(with = "Secret")]
    pub master_key: Spanned<Secret>,
    /// What participants reach.
    pub gateway: GatewayConfig,
    /// What the operator reaches.
    #[serde(default)]
    pub operator: OperatorConfig,
    /// Who is let in.
    #[serde(default)]
    pub admission: AdmissionConfig,
    /// What the node says of itself on its standard error.
    #[serde(default)]
    pub log: LogConfig,
    /// Where traces go; nowhere where it is left out.
    pub traces: Option<TracesConfig>,
    /// Adapters to let in at the start, and at each upgrade.
    #[serde(default)]
    #[schemars(with = "Vec<AdapterConfig>")]
    pub adapters: Vec<Spanned<AdapterConfig>>,
}

/// A secret, by reference: never in the configuration itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case", remote = "Self")]
pub enum Secret {
    /// A file that only the node's user can read.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

/// As derived, but for the secret itself in its reference's place: an error must not show it.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reference;

        impl<'de> Visitor<'de> for Reference {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reference to a secret")
            }

            fn visit_str<E: de::Error>(self, _: &str) -> Result<Secret, E> {
                Err(E::custom("a secret is given by reference: { file = \"PATH\" } or { env = \"NAME\" }"))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Secret, A::Error> {
                Secret::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_any(Reference)
    }
}

/// What participants reach.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayConfig {
    /// Address and port.
    #[schemars(with = "String")]
    pub listen: Spanned<String>,
    /// Whether TLS is spoken; without it nobody but this machine should reach the port.
    #[serde(default = "yes")]
    pub tls: bool,
    /// DNS names and IP addresses of the certificate that the node makes for itself.
    #[serde(default = "local_names")]
    pub names: Vec<String>,
    /// The operator's own certificate chain, in place of one that the node makes.
    #[schemars(with = "Option<PathBuf>")]
    pub certificate: Option<Spanned<PathBuf>>,
    /// Its private key.
    #[schemars(with = "Option<PathBuf>")]
    pub key: Option<Spanned<PathBuf>>,
    /// For how many seconds a signed request is taken.
    #[serde(default = "a_minute")]
    pub signature_window_seconds: u32,
    /// The most bytes of a request's body.
    #[serde(default = "body")]
    pub max_body_bytes: usize,
    /// Connections at once; more wait.
    #[serde(default = "connections")]
    pub max_connections: usize,
    /// Connections at once from one address; more are closed as they come.
    #[serde(default = "connections_per_address")]
    pub max_connections_per_address: usize,
    /// How often usage is written down and signed, in seconds. It is noted each second: a crash loses what was used since the last note.
    #[serde(default = "a_minute")]
    pub usage_seconds: u32,
    /// Whether participants' webhooks may go to this machine itself, also as `http://`: whatever listens on it then gets requests
    /// that participants have chosen the address of.
    #[serde(default)]
    pub local_webhooks: bool,
    /// Authorities, in PEM, that certify receivers of webhooks beside the public ones.
    #[schemars(with = "Option<PathBuf>")]
    pub webhook_authorities: Option<Spanned<PathBuf>>,
}

/// What the operator reaches.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OperatorConfig {
    /// The socket that `berth node app` and the like speak to; `operator.sock` in the state's folder where it is left out.
    pub socket: Option<PathBuf>,
    /// Address and port of the page that the operator looks at, and of the numbers for Prometheus; none by default. Whoever
    /// reaches it sees names and numbers: keep it on a loopback address.
    #[schemars(with = "Option<String>")]
    pub page: Option<Spanned<String>>,
}

/// Who is let in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdmissionConfig {
    /// The admission policy's file. Without one nothing is let in.
    #[schemars(with = "Option<PathBuf>")]
    pub policy: Option<Spanned<PathBuf>>,
    /// The newest revocation list.
    #[schemars(with = "Option<PathBuf>")]
    pub revocations: Option<Spanned<PathBuf>>,
    /// Whether adapters of public ledgers, which anybody can join, may run here.
    pub public_ledgers: bool,
    /// The frameworks that may run here, by the names in adapters' descriptors; all where it is left out.
    pub frameworks: Option<BTreeSet<String>>,
    /// The adapters that may run here, by their own names; all where it is left out.
    pub adapter_names: Option<BTreeSet<String>>,
}

impl Default for AdmissionConfig {
    fn default() -> Self {
        AdmissionConfig {
            policy: None,
            revocations: None,
            public_ledgers: true,
            frameworks: None,
            adapter_names: None,
        }
    }
}

impl AdmissionConfig {
    /// Which adapters may run here.
    #[must_use]
    pub fn permitted(&self) -> Permitted {
        Permitted {
            public_ledgers: self.public_ledgers,
            frameworks: self.frameworks.clone(),
            adapters: self.adapter_names.clone(),
        }
    }
}

/// One adapter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdapterConfig {
    /// The component; its certificate lies beside it.
    pub file: PathBuf,
    /// The name that it must have; any where it is left out.
    pub name: Option<String>,
}

fn yes() -> bool {
    true
}

fn local_names() -> Vec<String> {
    vec!["localhost".into(), "127.0.0.1".into()]
}

fn a_minute() -> u32 {
    60
}

fn connections() -> usize {
    http::Limits::default().connections
}

fn connections_per_address() -> usize {
    http::Limits::default().connections_per_address
}

fn body() -> usize {
    8 << 20
}

/// Why a configuration is not taken, with the place in the file.
#[derive(Debug, Error)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// Line and column, from 1; none where the file as a whole is meant.
    pub place: Option<(usize, usize)>,
    /// What is wrong there, and the line itself.
    pub what: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// A configuration that was read, with its text, so that whatever is wrong later can point at its line too.
#[derive(Debug)]
pub struct Configuration {
    /// What it says.
    pub config: Config,
    /// The configuration's own file.
    pub path: PathBuf,
    text: String,
}

impl Configuration {
    /// Reads a configuration. Nothing that it names is opened yet.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let whole = |what: String| ConfigError { path: path.to_owned(), place: None, what };
        let text =
            std::fs::read_to_string(path).map_err(|error| whole(format!("it cannot be read: {error}")))?;
        Self::parse(path, text)
    }

    /// The same from its text.
    ///
    /// # Errors
    /// [`ConfigError`]
    pub fn parse(path: &Path, text: String) -> Result<Self, ConfigError> {
        if text.len() > MAX_FILE {
            let what = format!("it has more than {MAX_FILE} bytes");
            return Err(ConfigError { path: path.to_owned(), place: None, what });
        }
        match toml::from_str::<Config>(&text) {
            Ok(config) => {
                let read = Configuration { config, path: path.to_owned(), text };
                read.check()?;
                Ok(read)
            }
            Err(error) => {
                let place = error.span().map(|span| place(&text, span.start));
                Err(ConfigError { path: path.to_owned(), place, what: error.message().to_owned() })
            }
        }
    }

    /// What is wrong with a value, at its place.
    #[must_use]
    pub fn wrong<T>(&self, value: &Spanned<T>, what: impl Into<String>) -> ConfigError {
        let place = place(&self.text, value.span().start);
        ConfigError { path: self.path.clone(), place: Some(place), what: what.into() }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let gateway = &self.config.gateway;
        self.address()?;
        self.page()?;
        match (&gateway.certificate, &gateway.key) {
            (Some(certificate), None) => {
                return Err(self.wrong(certificate, "`certificate` needs `key` beside it"));
            }
            (None, Some(key)) => return Err(self.wrong(key, "`key` needs `certificate` beside it")),
            _ => {}
        }
        self.config.log.check(self)?;
        match &self.config.traces {
            Some(traces) => traces.check(self),
            None => Ok(()),
        }
    }

    /// The gateway's address.
    ///
    /// # Errors
    /// Where it is none.
    pub fn address(&self) -> Result<SocketAddr, ConfigError> {
        let listen = &self.config.gateway.listen;
        listen
            .get_ref()
            .parse()
            .map_err(|_| self.wrong(listen, "`listen` is an IP address and a port, e.g. \"127.0.0.1:8443\""))
    }

    /// The page's address, where there is one.
    ///
    /// # Errors
    /// Where it is none.
    pub fn page(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let Some(page) = &self.config.operator.page else { return Ok(None) };
        let wrong = |_| self.wrong(page, "`page` is an IP address and a port, e.g. \"127.0.0.1:9464\"");
        page.get_ref().parse().map(Some).map_err(wrong)
    }

    /// A path of the configuration, which begins at its own folder.
    #[must_use]
    pub fn at(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new(".")).join(path)
    }

    /// The state's folder.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.at(&self.config.state)
    }

    /// The operator's socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        match &self.config.operator.socket {
            Some(socket) => self.at(socket),
            None => self.state().join("operator.sock"),
        }
    }

    /// The master key.
    ///
    /// # Errors
    /// Where it is missing, malformed, or a file that others can read.
    pub fn master_key(&self) -> Result<MasterKey, ConfigError> {
        let reference = &self.config.master_key;
        let text = self.secret(reference, "the master key")?;
        MasterKey::from_hex(&text).map_err(|error| self.wrong(reference, error.to_string()))
    }

    /// What a reference refers to; `what` it is, for whoever has to put it there.
    ///
    /// # Errors
    /// Where it is missing, no text, or a file that others can read.
    pub(crate) fn secret(
        &self,
        reference: &Spanned<Secret>,
        what: &str,
    ) -> Result<Zeroizing<String>, ConfigError> {
        let wrong = |what: String| self.wrong(reference, what);
        match reference.get_ref() {
            Secret::Env(name) => std::env::var(name).map(Zeroizing::new).map_err(|_| {
                wrong(format!("the environment variable {name} is not set: it must hold {what}"))
            }),
            Secret::File(path) => {
                let path = self.at(path);
                only_ours(&path).map_err(&wrong)?;
                std::fs::read_to_string(&path)
                    .map(Zeroizing::new)
                    .map_err(|error| wrong(format!("{} cannot be read: {error}", path.display())))
            }
        }
    }
}

/// A secret's file must not be readable by others.
fn only_ours(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let found =
        std::fs::metadata(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    match found.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => Err(format!("{0} can be read by others: chmod 600 {0}", path.display())),
    }
}

/// Line and column of a byte, from 1.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Configuration, ConfigError> {
        Configuration::parse(Path::new("/etc/berth/node.toml"), text.into())
    }

    const SMALL: &str =
        "state = \"state\"\nmaster_key = { env = \"K\" }\n\n[gateway]\nlisten = \"127.0.0.1:0\"\n";

    #[test]
    fn the_example_is_a_configuration() {
        let example = parse(EXAMPLE).unwrap();
        assert_eq!(example.state(), Path::new("/etc/berth/state"));
        assert_eq!(example.socket(), Path::new("/etc/berth/state/operator.sock"));
        assert!(example.config.gateway.tls);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert!(parse(SMALL).is_ok());
        for (text, place, word) in [
            (SMALL.replace("127.0.0.1:0", "localhost"), (5, 10), "listen"),
            (SMALL.replace("[gateway]", "[gateway]\ncolour = 1"), (5, 1), "colour"),
            (SMALL.replace("env", "text"), (2, 16), "text"),
            (format!("{SMALL}key = \"k\"\n"), (6, 7), "certificate"),
            (SMALL.replace("\"state\"", "3"), (1, 9), "string"),
            (format!("{SMALL}[log]\nlevel = \"berth=loud\"\n"), (7, 9), "RUST_LOG"),
            (format!("{SMALL}[log]\nformat = \"xml\"\n"), (7, 10), "json"),
            (SMALL.replace("[gateway]", "[gateway"), (4, 9), ""),
        ] {
            let error = parse(&text).unwrap_err();
            assert_eq!(error.place, Some(place), "{error}");
            assert!(error.what.contains(word), "{error}");
            assert!(
                error.to_string().starts_with(&format!("/etc/berth/node.toml:{}:{}: ", place.0, place.1))
            );
        }
        assert!(parse("").unwrap_err().what.contains("state"));
        let inline = parse(&SMALL.replace("{ env = \"K\" }", "\"5a5a\"")).unwrap_err();
        assert!(inline.place == Some((2, 14)) && !inline.to_string().contains("5a5a"), "{inline}");
    }

    #[test]
    fn a_master_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let text = SMALL.replace("{ env = \"K\" }", "{ file = \"master.key\" }");
        let read = Configuration::parse(&folder.path().join("node.toml"), text).unwrap();
        assert!(read.master_key().unwrap_err().what.contains("master.key"));
        let file = folder.path().join("master.key");
        std::fs::write(&file, "5a".repeat(32)).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read.master_key().unwrap_err().what.contains("chmod 600"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        read.master_key().unwrap();
        std::fs::write(&file, "5a").unwrap();
        let error = read.master_key().unwrap_err();
        assert_eq!(error.place, Some((2, 14)));
        assert!(!error.what.contains("5a"), "{error}");
    }
}
