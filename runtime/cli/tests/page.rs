//! The operator's page in a real browser: Chromium, named by `BERTH_CHROMIUM`, driven by Playwright.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use support::running::{Life, city, enrol, let_everything_in, node};

/// What looks at the page, until it is dropped.
struct Looker {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Looker {
    /// None, and a line that says so, where there is no browser.
    fn begin(page: &str, screenshots: &Path) -> Option<Self> {
        let named = |name: &str| {
            let value = env::var_os(name).map(PathBuf::from);
            if value.is_none() {
                eprintln!("NOT RUN: {name} is not set; `cargo xtask test` sets it where there is a browser");
            }
            value
        };
        let (browser, tools) = (named("BERTH_CHROMIUM")?, named("BERTH_NODE_TOOLS")?);
        let mut child = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page/look.mjs"))
            .args([&tools.join("node_modules"), &browser])
            .arg(page)
            .arg(screenshots)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Some(Looker { child, lines })
    }

    fn next(&mut self) -> Value {
        let line = self.lines.next().expect("the browser says what it sees").unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn go_on(&mut self) {
        self.child.stdin.take().unwrap().write_all(b"\n").unwrap();
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The row that begins so.
fn row<'a>(found: &'a Value, table: &str, first: &str) -> Vec<&'a str> {
    let rows = found[table].as_array().unwrap();
    let row =
        rows.iter().find(|row| row[0] == first).unwrap_or_else(|| panic!("no {first} in {table}: {found:#}"));
    row.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap()).collect()
}

#[test]
fn the_operators_page_shows_the_node_in_light_and_dark_and_says_when_it_is_gone() {
    let Some(component) = support::component("notebook") else { return };
    let berth = city(&format!("\n[[adapters]]\nfile = {component:?}\n"));
    let_everything_in(&berth);
    let folder = berth.folder.path();
    let mut life = Life::begin(&berth);
    enrol(&berth, "alice");
    for name in ["notes", "asleep"] {
        let create = ["app", "create", name, "--adapter", "notebook", "--owner", "alice"];
        let created = node(&berth, &[&create[..], &["--endpoint", "service=http://127.0.0.1:1"]].concat());
        assert_eq!(created.code, 0, "{}", created.stderr);
    }
    let reason = "<b id=\"hostile\">late</b>";
    let suspended = node(&berth, &["app", "suspend", "asleep", "--reason", reason]);
    assert_eq!(suspended.code, 0, "{}", suspended.stderr);

    let Some(mut looker) = Looker::begin(&life.page, folder) else { return };
    let found = looker.next();
    assert_eq!(found["complaints"], json!([]), "{found:#}");
    assert_eq!(found["title"], "Berth node");
    let numbers: Vec<_> = found["numbers"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(numbers.contains(&"2\napplications") && numbers.contains(&"1\nadapters"), "{numbers:?}");
    assert_eq!(row(&found, "applications", "notes")[1..5], ["notebook", "alice", "runs", "shared"]);
    let asleep = row(&found, "applications", "asleep");
    // As text: what somebody wrote is never a part of the page.
    assert_eq!((asleep[3], &found["hostile"]), (&*format!("suspended: {reason}"), &json!(0)));
    let notebook = row(&found, "adapters", "notebook");
    assert_eq!((notebook[5], notebook[7]), ("in the sandbox", "none"));
    assert_eq!(row(&found, "participants", "alice").len(), 3);
    let audit = row(&found, "audit", found["audit"][0][0].as_str().unwrap());
    assert_eq!((audit[1], audit[3]), ("admitted", "without a certificate, mode off"));

    assert_ne!(found["ground"]["light"], found["ground"]["dark"]);
    for scheme in ["light", "dark"] {
        assert!(found["contrast"][scheme].as_f64().unwrap() >= 4.5, "{scheme}: {}", found["contrast"]);
        assert!(fs::metadata(folder.join(format!("page-{scheme}.png"))).unwrap().len() > 1_000);
    }
    assert!(found["overflow"].as_i64().unwrap() <= 0, "it scrolls sideways on a narrow screen");
    let elsewhere = |url: &Value| !url.as_str().unwrap().starts_with(&life.page);
    assert!(!found["requests"].as_array().unwrap().iter().any(elsewhere), "{found:#}");

    assert!(life.stop());
    looker.go_on();
    let gone = looker.next();
    assert!(gone["state"].as_str().unwrap().starts_with("the node does not answer"), "{gone}");
    assert_eq!(gone["applications"], 2, "what was seen last stays in view");
    if let Some(kept) = env::var_os("BERTH_SCREENSHOTS").map(PathBuf::from) {
        for name in ["light", "dark", "narrow"] {
            let name = format!("page-{name}.png");
            fs::copy(folder.join(&name), kept.join(&name)).unwrap();
        }
    }
}
