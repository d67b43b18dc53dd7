//! A task as a list of steps, with headlines, times, and a table at the end.

use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};

/// How a step ended.
enum Ending {
    Passed,
    Failed(String),
    NotRun(String),
}

struct Done {
    name: &'static str,
    ending: Ending,
    time: Duration,
}

/// The steps so far.
#[derive(Default)]
pub struct Steps {
    only: Vec<String>,
    done: Vec<Done>,
}

impl Steps {
    /// Steps of which only the named ones count; all, where none is named.
    pub fn only(names: Vec<String>) -> Steps {
        Steps { only: names, done: Vec::new() }
    }

    /// Whether a step was asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }

    /// Runs a step under a headline. A failure does not stop the steps that can do without it; it gives none.
    pub fn run<T>(&mut self, name: &'static str, what: &str, step: impl FnOnce() -> Outcome<T>) -> Option<T> {
        println!("\n== {name}: {what}");
        let start = Instant::now();
        let outcome = step();
        let time = start.elapsed();
        let (ending, value) = match outcome {
            Ok(value) => {
                println!("   done in {}", seconds(time));
                (Ending::Passed, Some(value))
            }
            Err(failure) => {
                println!("   FAILED after {}: {failure}", seconds(time));
                (Ending::Failed(failure.to_string()), None)
            }
        };
        self.done.push(Done { name, ending, time });
        value
    }

    /// Notes that something did not run, and why.
    pub fn not_run(&mut self, name: &'static str, reason: impl Into<String>) {
        self.done.push(Done { name, ending: Ending::NotRun(reason.into()), time: Duration::ZERO });
    }

    /// Prints the table; a failure if any step failed.
    pub fn finish(self) -> Outcome<()> {
        println!("\n{}", self.table());
        match self.done.iter().filter(|done| matches!(done.ending, Ending::Failed(_))).count() {
            0 => Ok(()),
            1 => Err(Failure::new("one step failed")),
            failed => Err(Failure::new(format!("{failed} steps failed"))),
        }
    }

    fn table(&self) -> String {
        let mut table = String::new();
        for Done { name, ending, time } in &self.done {
            let line = match ending {
                Ending::Passed => format!("  {name:<12} passed   {:>8}", seconds(*time)),
                Ending::Failed(reason) => {
                    let first = reason.lines().next().unwrap_or_default();
                    format!("  {name:<12} FAILED   {:>8}   {first}", seconds(*time))
                }
                Ending::NotRun(reason) => format!("  {name:<12} not run  {:>8}   {reason}", ""),
            };
            table.push_str(line.trim_end());
            table.push('\n');
        }
        table
    }
}

fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole >= 60 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_tells_what_passed_what_failed_and_what_did_not_run() {
        let mut steps = Steps::default();
        assert_eq!(steps.run("one", "first", || Ok(1)), Some(1));
        assert_eq!(steps.run("two", "second", || Err::<(), _>(Failure::new("broke\nin detail"))), None);
        steps.not_run("three", "no network");
        let table = steps.table();
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[0].contains("one") && lines[0].contains("passed"), "{table}");
        assert!(lines[1].contains("FAILED") && lines[1].ends_with("broke"), "{table}");
        assert!(lines[2].contains("not run") && lines[2].ends_with("no network"), "{table}");
        assert_eq!(steps.finish().unwrap_err().to_string(), "one step failed");
    }

    #[test]
    fn without_a_failure_the_task_passes() {
        let mut steps = Steps::only(vec!["one".into()]);
        assert!(steps.wants("one") && !steps.wants("two"));
        steps.run("one", "first", || Ok(()));
        steps.not_run("two", "not asked for");
        assert!(steps.finish().is_ok());
    }

    #[test]
    fn times_read_well() {
        assert_eq!(seconds(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }
}
