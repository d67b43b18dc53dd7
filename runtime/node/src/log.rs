//! The section `[log]` of the configuration.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;
use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, Configuration};

/// What the node says of itself on its standard error. `RUST_LOG` in its environment goes before `level`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// The least that is said: `error`, `warn`, `info`, `debug` or `trace`; by parts as `RUST_LOG` takes it.
    #[schemars(with = "String")]
    pub level: Spanned<String>,
    /// How.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig { level: Spanned::new(0..0, "warn".into()), format: LogFormat::Text }
    }
}

/// How lines of the log are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people, without the time, which whoever runs services puts before each line.
    Text,
    /// One JSON object a line, with `timestamp`, `level`, `target`, `message` and what else there is to say.
    Json,
}

impl LogConfig {
    /// Whether the level is one.
    pub(crate) fn check(&self, configuration: &Configuration) -> Result<(), ConfigError> {
        let parsed = EnvFilter::builder().parse(self.level.get_ref());
        parsed.map(drop).map_err(|error| {
            let what = "`level` is error, warn, info, debug or trace, or what RUST_LOG takes";
            configuration.wrong(&self.level, format!("{what}: {error}"))
        })
    }
}
