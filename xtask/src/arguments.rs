//! What was typed behind `cargo xtask`.

use crate::{
    fabric::{RELEASES, Release},
    failure::{Failure, Outcome},
};

/// The help text.
pub const HELP: &str = "\
Berth's tasks.

Usage:  cargo xtask TASK [OPTIONS] [-- ARGUMENTS]

Tasks:
  setup        Find what the others need: a way to compile guests, Anvil, solc, Chromium
  components   Build every adapter as a component, into <target>/components
  demo         Show an adapter at work, have it certified and let in, and run a node of three frameworks
  test         Format, lints, components, tests, documentation, dependencies
  bench        Run the benchmarks

Options:
  --only STEPS       test: only these steps, with commas: fmt, clippy, tests, doc, deny
  --real FRAMEWORK   setup, test: real programs of a framework too, built with Go; may be given several times.
                     `ethereum` is Geth, `fabric` Hyperledger Fabric 3.1, `fabric-2.5` the other release in use
  --stay             demo: keep the node and its ledgers running until Ctrl-C
  --soak             test: instead, the tests that kill a node under load, 1,500 times in all
  --mutants          test: instead, every broken adapter under all checks of the suite; writes conformance/MUTANTS.md
  -h, --help         This text

What comes behind `--` goes to `cargo test`, the demo or `cargo bench`. Keep `--workspace`: a build of one package
alone has other features of shared libraries, and compiles the WebAssembly runtime anew.

Every task does its own set-up. What is fetched lies in $BERTH_CACHE, or ~/.cache/berth.
A first run compiles the WebAssembly runtime and takes 10 to 25 minutes; later ones are quick.

Examples:
  cargo xtask test
  cargo xtask test --only fmt,clippy
  cargo xtask test --only tests -- --workspace --test anvil_component
  cargo xtask test --real ethereum --real fabric
  cargo xtask test --mutants
  cargo xtask demo --stay
  cargo xtask bench -- --bench host -- warm
";

/// The steps of `test` that `--only` takes.
pub const STEPS: [&str; 5] = ["fmt", "clippy", "tests", "doc", "deny"];

/// A task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Print the help text.
    Help,
    /// Find what the others need.
    Setup,
    /// Build the components.
    Components,
    /// Run the demonstration.
    Demo,
    /// Run every check.
    Test,
    /// Run the benchmarks.
    Bench,
}

/// A task with its options.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    /// What to do.
    pub task: Task,
    /// The steps of `test` that were asked for; none named means all.
    pub only: Vec<String>,
    /// Whether Geth was asked for.
    pub real_ethereum: bool,
    /// Whether, in place of all else, every mutant is to be run under all clauses.
    pub mutants: bool,
    /// Which release of Fabric was asked for.
    pub real_fabric: Option<Release>,
    /// Whether, in place of all else, nodes are to be killed a thousand times.
    pub soak: bool,
    /// Whether the demonstration's node is to stay up.
    pub stay: bool,
    /// What came behind `--`.
    pub rest: Vec<String>,
}

impl Arguments {
    /// Reads them; what is not understood is named.
    pub fn parse(words: impl Iterator<Item = String>) -> Outcome<Arguments> {
        let mut words = words.skip_while(|word| word == "--");
        let task = match words.next().as_deref() {
            None | Some("-h" | "--help" | "help") => Task::Help,
            Some("setup") => Task::Setup,
            Some("components") => Task::Components,
            Some("demo") => Task::Demo,
            Some("test") => Task::Test,
            Some("bench") => Task::Bench,
            Some(other) => return Err(not_understood(other)),
        };
        let mut arguments = Arguments {
            task,
            only: Vec::new(),
            real_ethereum: false,
            real_fabric: None,
            mutants: false,
            soak: false,
            stay: false,
            rest: Vec::new(),
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "-h" | "--help" => arguments.task = Task::Help,
                "--only" if task == Task::Test => {
                    let steps = words.next().unwrap_or_default();
                    for step in steps.split(',') {
                        if !STEPS.contains(&step) {
                            return Err(Failure::new(format!(
                                "{step:?} is no step: choose among {}",
                                STEPS.join(", ")
                            )));
                        }
                        arguments.only.push(step.into());
                    }
                }
                "--real" if matches!(task, Task::Test | Task::Setup) => {
                    let framework = words.next().unwrap_or_default();
                    arguments.add_real(&framework)?;
                }
                "--mutants" if task == Task::Test => arguments.mutants = true,
                "--soak" if task == Task::Test => arguments.soak = true,
                "--stay" if task == Task::Demo => arguments.stay = true,
                "--" if matches!(task, Task::Demo | Task::Test | Task::Bench) => {
                    arguments.rest = words.collect();
                    break;
                }
                other => return Err(not_understood(other)),
            }
        }
        Ok(arguments)
    }

    fn add_real(&mut self, framework: &str) -> Outcome<()> {
        if framework == "ethereum" {
            self.real_ethereum = true;
            return Ok(());
        }
        let release = RELEASES.into_iter().find(|release| release.name == framework);
        let named = release.ok_or_else(|| {
            let known: Vec<_> = RELEASES.iter().map(|release| release.name).collect();
            Failure::new(format!(
                "no real programs are known for {framework:?}: choose ethereum, {}",
                known.join(", ")
            ))
        })?;
        match self.real_fabric.replace(named) {
            Some(other) if other != named => Err(Failure::new(format!(
                "{} or {}: one release of Fabric at a time",
                other.name, named.name
            ))),
            _ => Ok(()),
        }
    }
}

fn not_understood(word: &str) -> Failure {
    Failure::new(format!("{word:?} is not understood here; `cargo xtask --help` shows what is"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Outcome<Arguments> {
        Arguments::parse(line.split_whitespace().map(str::to_string))
    }

    #[test]
    fn a_task_takes_its_options_and_passes_on_the_rest() {
        let arguments = parse("test --only fmt,tests --real ethereum -- -p adapter-sdk").unwrap();
        assert_eq!(arguments.task, Task::Test);
        assert_eq!(arguments.only, ["fmt", "tests"]);
        assert!(arguments.real_ethereum);
        assert_eq!(arguments.rest, ["-p", "adapter-sdk"]);
        assert!(!arguments.mutants && parse("test --mutants").unwrap().mutants);
        assert!(!parse("test").unwrap().soak && parse("test --soak").unwrap().soak);
        assert!(!parse("demo").unwrap().stay && parse("demo --stay").unwrap().stay);
    }

    #[test]
    fn several_frameworks_may_be_real_but_one_release_of_each() {
        let arguments = parse("setup --real fabric-2.5 --real ethereum").unwrap();
        assert!(arguments.real_ethereum);
        assert_eq!(arguments.real_fabric.unwrap().name, "fabric-2.5");
        assert!(parse("test --real fabric --real fabric-2.5").is_err());
    }

    #[test]
    fn without_a_task_there_is_help() {
        assert_eq!(parse("").unwrap().task, Task::Help);
        assert_eq!(parse("bench --help").unwrap().task, Task::Help);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, named) in [
            ("tset", "tset"),
            ("test --only nothing", "nothing"),
            ("test --only", "\"\""),
            ("setup --only fmt", "--only"),
            ("test --real quantum", "quantum"),
            ("setup -- -x", "--"),
            ("bench --mutants", "--mutants"),
            ("test --stay", "--stay"),
            ("demo --soak", "--soak"),
        ] {
            assert!(parse(line).unwrap_err().to_string().contains(named), "{line}");
        }
    }

    #[test]
    fn the_help_names_every_step() {
        for step in STEPS {
            assert!(HELP.contains(step), "{step}");
        }
    }
}
