//! A folder in which commands are typed.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::Trouble;

/// What is shown of an argument.
const SHOWN: usize = 60;

/// Starts the node.
const SERVE: [&str; 4] = ["node", "serve", "--config", "city/node.toml"];

/// A folder, and the `berth` that is typed in it.
pub struct Desk {
    pub folder: PathBuf,
    berth: PathBuf,
}

/// A node that serves. It ends when this is dropped.
pub struct Serving {
    child: Child,
    /// Where participants reach it: `https://localhost:PORT`.
    pub address: String,
    /// The operator's page.
    pub page: String,
}

impl Desk {
    /// A clean folder, and the `berth` beside this very program.
    pub fn new(folder: &Path) -> Result<Self, Trouble> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let own = std::env::current_exe()?;
        let programs = own.parent().and_then(Path::parent).ok_or("this program is in no folder")?;
        Ok(Desk { folder: folder.canonicalize()?, berth: programs.join("berth") })
    }

    /// Types a command, and expects that it succeeds.
    pub fn berth(&self, arguments: &[&str]) -> Result<(), Trouble> {
        self.typed(arguments, 0)
    }

    /// Types a command, and expects that what it asks for is refused.
    pub fn berth_fails(&self, arguments: &[&str]) -> Result<(), Trouble> {
        self.typed(arguments, 1)
    }

    fn typed(&self, arguments: &[&str], expected: i32) -> Result<(), Trouble> {
        self.say(arguments);
        let status = self.command(arguments).status()?;
        if status.code() == Some(expected) { Ok(()) } else { Err(format!("it ended with {status}").into()) }
    }

    /// What a command prints.
    pub fn answer(&self, arguments: &[&str]) -> Result<String, Trouble> {
        self.say(arguments);
        let output = self.command(arguments).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("it ended with {}", output.status).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.berth);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    fn say(&self, arguments: &[&str]) {
        let shown = arguments.iter().map(|word| {
            let line = word.lines().next().unwrap_or_default();
            let long = line.chars().count() > SHOWN || line.len() < word.len();
            let cut: String = line.chars().take(SHOWN).collect();
            let word = if long { format!("{cut}…") } else { cut };
            if word.contains([' ', '"']) { format!("'{word}'") } else { word }
        });
        println!("\n$ berth {}", shown.collect::<Vec<_>>().join(" "));
    }

    pub fn write(&self, name: &str, text: &str) -> Result<(), Trouble> {
        Ok(fs::write(self.folder.join(name), text)?)
    }

    pub fn read(&self, name: &str) -> Result<String, Trouble> {
        fs::read_to_string(self.folder.join(name)).map_err(|error| format!("{name}: {error}").into())
    }

    /// Starts the node, and waits until it says where it is.
    pub fn serve(&self) -> Result<Serving, Trouble> {
        self.say(&SERVE);
        self.start(|line| println!("   {line}"))
    }

    /// The same, and shows nothing of it.
    pub fn serve_silently(&self) -> Result<Serving, Trouble> {
        self.start(|_| {})
    }

    fn start(&self, show: impl Fn(&str)) -> Result<Serving, Trouble> {
        let mut child = self.command(&SERVE).stdout(Stdio::piped()).spawn()?;
        let lines = child.stdout.take().ok_or("the node says nothing")?;
        let mut serving = Serving { child, address: String::new(), page: String::new() };
        let mut lines = BufReader::new(lines).lines();
        for line in lines.by_ref() {
            let line = line?;
            show(&line);
            if let Some(address) = line.strip_prefix("The node listens at ") {
                serving.address = address.replace("127.0.0.1", "localhost");
            }
            if let Some(at) = line.find("http://") {
                serving.page = line.get(at..).unwrap_or_default().trim_end_matches('.').to_owned();
            }
            if !serving.address.is_empty() && !serving.page.is_empty() {
                break;
            }
        }
        if serving.address.is_empty() {
            return Err("the node did not start".into());
        }
        // What it says later is not lost in a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(serving)
    }
}

impl Serving {
    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> Result<(), Trouble> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the node ended with {status}").into()) }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
