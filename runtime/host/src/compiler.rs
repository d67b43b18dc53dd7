//! Compilation of components that nobody vouches for: in a process of its own, bounded in time and memory.
//!
//! How long wasmtime compiles and how much memory that takes depends on the component, and wasmtime bounds neither. So
//! the host starts a child, the same program or another of this project, which sets its own limits, reads the component
//! from its standard input and writes the compiled code to its standard output. The child runs nothing of the component.

use std::{
    ffi::OsString,
    io::{self, Read as _, Write as _},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
};
use wasmtime::{Engine, component::Component};

use crate::{cache::deserialize, host, load_error::LoadError};

/// The most bytes of compiled code that the host takes from a child.
const MAX_CODE: u64 = 256 << 20;
/// The most bytes of a child's complaint that are told.
const MAX_COMPLAINT: u64 = 4 << 10;

/// Where components are compiled.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// In the host's own process, without bounds: for components of one's own, and for tests.
    #[default]
    InProcess,
    /// In a child.
    Child(CompilerChild),
}

/// How a child is started, and what it may use.
#[derive(Clone, Debug)]
pub struct CompilerChild {
    /// A program that calls [`compile_as_child`].
    pub program: PathBuf,
    /// What it is given before the limits.
    pub arguments: Vec<OsString>,
    /// From its start to its end. Default 60 s.
    pub wall_time: Duration,
    /// Of all its threads together, in seconds. Default 60.
    pub processor_seconds: u64,
    /// Bytes of memory that it may write to. Default 1 GiB.
    pub memory: u64,
}

impl CompilerChild {
    /// A child of this program with these arguments, and the default limits.
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        CompilerChild {
            program,
            arguments,
            wall_time: Duration::from_secs(60),
            processor_seconds: 60,
            memory: 1 << 30,
        }
    }

    /// Compiles the component.
    pub(crate) async fn compile(&self, engine: &Engine, bytes: &[u8]) -> Result<Component, LoadError> {
        let code = match tokio::time::timeout(self.wall_time, self.run(bytes)).await {
            Ok(code) => code?,
            Err(_) => return Err(LoadError::CompileLimit { limit: format!("{:?} of time", self.wall_time) }),
        };
        // The child is this project's own program, and what it wrote came straight from its standard output.
        deserialize(engine, &code).map_err(|source| LoadError::Invalid { source })
    }

    /// The compiled code. Dropped, the child is killed.
    async fn run(&self, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
        let failed = |source: io::Error| LoadError::Compiler { program: self.program.clone(), source };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(self.memory.to_string())
            .arg(self.processor_seconds.to_string())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(failed(io::Error::other("no pipes")));
        };
        let write = async {
            // A child that ended early says why on its standard error.
            let _ = stdin.write_all(bytes).await;
            drop(stdin);
        };
        let (mut code, mut complaint) = (Vec::new(), Vec::new());
        let mut stdout = stdout.take(MAX_CODE + 1);
        let mut stderr = stderr.take(MAX_COMPLAINT);
        let (_, read, _) =
            tokio::join!(write, stdout.read_to_end(&mut code), stderr.read_to_end(&mut complaint),);
        read.map_err(failed)?;
        if code.len() as u64 > MAX_CODE {
            return Err(LoadError::CompileLimit { limit: format!("{MAX_CODE} bytes of code") });
        }
        let status = child.wait().await.map_err(failed)?;
        let complaint = String::from_utf8_lossy(&complaint).trim().to_owned();
        match status.code() {
            Some(0) => Ok(code),
            Some(INVALID) => Err(LoadError::Invalid { source: wasmtime::Error::msg(complaint) }),
            Some(code) if code != PANICKED => Err(failed(io::Error::other(complaint))),
            // Killed or panicked: so the kernel ends what is over its time, and a program what gets no memory or thread.
            _ => Err(LoadError::CompileLimit {
                limit: format!(
                    "{} bytes of memory and {} s of processor time",
                    self.memory, self.processor_seconds
                ),
            }),
        }
    }
}

/// What a child exits with for a component that is not valid.
const INVALID: i32 = 10;
/// What a Rust program exits with when it panics.
const PANICKED: i32 = 101;
/// What it exits with when it could not do its work.
const BROKEN: i32 = 11;

/// What the child does: takes the limits (bytes of memory, seconds of processor time) from its last two arguments, sets
/// them, compiles what comes on standard input and writes the code to standard output. Gives the exit code.
#[must_use]
pub fn compile_as_child(arguments: &[OsString]) -> i32 {
    let complain = |what: String, code| {
        // Nobody is left to be told when this fails.
        let _ = writeln!(io::stderr(), "{what}");
        code
    };
    if let Err(error) = limit_this_process(arguments) {
        return complain(format!("the limits cannot be set: {error}"), BROKEN);
    }
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(MAX_CODE).read_to_end(&mut bytes);
    let engine = match (read, Engine::new(&host::compile_config())) {
        (Ok(_), Ok(engine)) => engine,
        (Err(error), _) => return complain(error.to_string(), BROKEN),
        (_, Err(error)) => return complain(format!("{error:#}"), BROKEN),
    };
    match engine.precompile_component(&bytes) {
        Ok(code) => match io::stdout().lock().write_all(&code) {
            Ok(()) => 0,
            Err(error) => complain(error.to_string(), BROKEN),
        },
        Err(error) => complain(format!("{error:#}"), INVALID),
    }
}

fn limit_this_process(arguments: &[OsString]) -> Result<(), String> {
    let [.., memory, seconds] = arguments else { return Err("two limits are wanted".into()) };
    let number = |text: &OsString| {
        text.to_str()
            .and_then(|text| text.parse::<u64>().ok())
            .ok_or_else(|| format!("{text:?} is no number"))
    };
    let (memory, seconds) = (number(memory)?, number(seconds)?);
    let set = |resource: rlimit::Resource, most: u64| {
        resource.set(most, most).map_err(|error| format!("{}: {error}", resource.as_name()))
    };
    // Memory that may be written to; address space that is only reserved does not count.
    set(rlimit::Resource::DATA, memory)?;
    set(rlimit::Resource::CPU, seconds)?;
    set(rlimit::Resource::CORE, 0)?;
    set(rlimit::Resource::FSIZE, 0)
}
