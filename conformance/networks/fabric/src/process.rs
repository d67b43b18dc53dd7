//! Programs that run to their end, and programs that run until they are dropped.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use thiserror::Error;

/// How many lines of a log go into an error.
const TAIL: usize = 20;
/// How long a program may take until it serves.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at whether it does.
const PAUSE: Duration = Duration::from_millis(50);

/// Why there is no network.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// The programs were not named.
    #[error("{name} does not say where Fabric's programs are: cargo xtask test --real fabric")]
    NotGiven {
        /// The environment variable.
        name: &'static str,
    },
    /// A program does not start.
    #[error("{program} does not start")]
    Start {
        /// Its path.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program ended with a failure.
    #[error("`{command}` failed: {said}")]
    Failed {
        /// What was run.
        command: String,
        /// The end of what it printed.
        said: String,
    },
    /// A program that should serve does not.
    #[error("{name} {what}; the end of its log:\n{log}")]
    NotServing {
        /// Which.
        name: String,
        /// Whether it ended or took too long.
        what: String,
        /// The end of its log.
        log: String,
    },
    /// A file cannot be written or read.
    #[error("cannot {doing} {path}")]
    File {
        /// `read` or `write`.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not have what it should have.
    #[error("{path} has no {what}")]
    Content {
        /// Where.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// No port is free.
    #[error("no free port on loopback")]
    Port(#[source] io::Error),
}

/// Writes a file.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), NetworkError> {
    fs::write(path, content).map_err(|source| NetworkError::File {
        doing: "write",
        path: path.into(),
        source,
    })
}

/// Makes a folder and those above it.
pub fn folder(path: &Path) -> Result<(), NetworkError> {
    fs::create_dir_all(path).map_err(|source| NetworkError::File { doing: "make", path: path.into(), source })
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, NetworkError> {
    fs::read(path).map_err(|source| NetworkError::File { doing: "read", path: path.into(), source })
}

/// Runs a program to its end and gives its standard output.
pub fn run(command: &mut Command) -> Result<String, NetworkError> {
    let output = command.stdin(Stdio::null()).output().map_err(|source| cannot_start(command, source))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(command, &String::from_utf8_lossy(&[output.stdout, output.stderr].concat())))
}

/// Runs a program until it succeeds: what it needs may not serve yet.
pub fn run_until_well(mut command: impl FnMut() -> Command) -> Result<String, NetworkError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match run(&mut command()) {
            Err(NetworkError::Failed { .. }) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(250));
            }
            ended => return ended,
        }
    }
}

/// What a program that ended well should not have said.
pub fn failed(command: &Command, said: &str) -> NetworkError {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    let line = std::iter::once(program.into_owned()).chain(arguments).collect::<Vec<_>>().join(" ");
    NetworkError::Failed { command: line, said: tail(said) }
}

fn cannot_start(command: &Command, source: io::Error) -> NetworkError {
    NetworkError::Start { program: command.get_program().into(), source }
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n")
}

/// A program that runs until this is dropped; what it prints goes into a file.
#[derive(Debug)]
pub struct Service {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// Starts it.
    pub fn start(name: &str, command: &mut Command, log: PathBuf) -> Result<Service, NetworkError> {
        let open = |path: &Path| {
            let opened = File::options().create(true).append(true).open(path);
            opened.map_err(|source| NetworkError::File { doing: "write", path: path.into(), source })
        };
        let (out, err) = (open(&log)?, open(&log)?);
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = child.map_err(|source| cannot_start(command, source))?;
        Ok(Service { name: name.into(), child, log })
    }

    /// Waits until it takes connections at this address of loopback.
    pub fn serves(&mut self, port: u16) -> Result<(), NetworkError> {
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.not_serving(format!("ended with {status}")));
            }
            if Instant::now() > deadline {
                return Err(self.not_serving(format!("does not serve after {} s", PATIENCE.as_secs())));
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        fs::read(&self.log).map(|log| tail(&String::from_utf8_lossy(&log))).unwrap_or_default()
    }

    fn not_serving(&self, what: String) -> NetworkError {
        NetworkError::NotServing { name: self.name.clone(), what, log: self.log_tail() }
    }
}
