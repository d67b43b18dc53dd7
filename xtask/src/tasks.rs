//! The tasks themselves, each a list of steps.

use crate::{
    arguments::Arguments,
    browser,
    cache::Cache,
    cargo_deny::{self, Advisories},
    certify, components, evm_clients, fabric,
    failure::{Failure, Outcome},
    geth,
    guest_toolchain::GuestToolchain,
    node_tools,
    places::Places,
    process,
    python::{self, Python},
    steps::Steps,
    workspace::Workspace,
};

/// `cargo xtask setup`
pub fn setup(arguments: &Arguments) -> Outcome<()> {
    let workspace = Workspace::load()?;
    let cache = Cache::open()?;
    let mut steps = Steps::default();
    check_compiler(&mut steps);
    steps.run("guests", "a way to compile for WebAssembly", || GuestToolchain::find(&cache));
    steps.run("node tools", "Anvil, solc, Fabric's client and Playwright from npm", || {
        node_tools::install(&workspace, &cache)
    });
    full_node(&mut steps, &cache, arguments);
    fabric_modules(&mut steps, &workspace, &cache);
    fabric_programs(&mut steps, &cache, arguments);
    evm_clients(&mut steps, &workspace, &cache);
    browser(&mut steps, &cache);
    foreign_programs(&mut steps, &workspace, &cache);
    steps.finish()
}

/// `cargo xtask components`
pub fn components() -> Outcome<()> {
    let workspace = Workspace::load()?;
    let cache = Cache::open()?;
    let mut steps = Steps::default();
    build_components(&mut steps, &workspace, &cache);
    steps.finish()
}

/// `cargo xtask demo`
pub fn demo(arguments: &Arguments) -> Outcome<()> {
    let workspace = Workspace::load()?;
    println!(
        "The first run compiles the WebAssembly runtime: 10 to 20 minutes on two cores. Later ones start at once."
    );
    let mut steps = Steps::default();
    if let Some(places) = set_up(&mut steps, &workspace, arguments)? {
        steps.run("demo", "an Ethereum adapter at work on a local node", || {
            // The whole workspace, as the tests build it: see the root Cargo.toml.
            process::run(workspace.cargo().args(["build", "--workspace", "--bins", "--examples"]))?;
            let mut command = std::process::Command::new(workspace.target.join("debug/examples/demo"));
            command.arg("--components").arg(&places.components).arg("--anvil").arg(&places.node_tools.anvil);
            places.tell(&mut command);
            process::run(command.args(&arguments.rest))
        });
        steps.run("certify", "it is certified, signed, logged and let in; a tampered copy is not", || {
            certify::demonstrate(&workspace, &places)
        });
        steps.run("city", "one node, three frameworks, one identity", || {
            let mut command = std::process::Command::new(workspace.target.join("debug/examples/city"));
            command.arg("--components").arg(&places.components).arg("--anvil").arg(&places.node_tools.anvil);
            command.arg("--root").arg(&workspace.root).arg("--folder").arg(workspace.target.join("city"));
            if arguments.stay {
                command.arg("--stay");
            }
            places.tell(&mut command);
            process::run(&mut command)
        });
    } else {
        steps.not_run("demo", "its set-up failed");
    }
    steps.finish()
}

/// `cargo xtask bench`
pub fn bench(arguments: &Arguments) -> Outcome<()> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::default();
    if let Some(places) = set_up(&mut steps, &workspace, arguments)? {
        steps.run("bench", "the benchmarks", || {
            let mut command = workspace.cargo();
            // The one build profile, and the whole workspace; see the root Cargo.toml.
            command.args(["bench", "--profile", "dev", "--workspace"]);
            if arguments.rest.is_empty() {
                for name in [
                    "host",
                    "ethereum",
                    "fisco_bcos",
                    "door",
                    "gateway",
                    "end_to_end",
                    "fisco_end_to_end",
                    "fabric",
                    "footprint",
                    "headroom",
                ] {
                    command.args(["--bench", name]);
                }
            } else {
                command.args(&arguments.rest);
            }
            places.tell(&mut command);
            process::run(&mut command)
        });
    } else {
        steps.not_run("bench", "its set-up failed");
    }
    steps.finish()
}

/// `cargo xtask test`
pub fn test(arguments: &Arguments) -> Outcome<()> {
    let workspace = Workspace::load()?;
    let mut steps = Steps::only(arguments.only.clone());
    if arguments.mutants {
        steps.run("mutants", "every broken adapter under all checks of the suite", || {
            let mut command = workspace.cargo();
            command.args(["test", "--workspace"]);
            // Thousands of checks: what the suite consists of is worth optimising this once.
            for package in ["berth-suite", "berth-model", "berth-mutants", "jsonschema"] {
                command.arg("--config").arg(format!("profile.dev.package.{package}.opt-level=2"));
            }
            process::run(command.args(["--test", "all_clauses", "--", "--ignored", "--nocapture"]))
        });
        return steps.finish();
    }
    if arguments.soak {
        if let Some(places) = set_up(&mut steps, &workspace, arguments)? {
            steps.run("soak", "nodes under load are killed, and every write happens once", || {
                // One of the tests runs an example, which a test by its name does not build.
                process::run(workspace.cargo().args(["build", "--workspace", "--bins", "--examples"]))?;
                let mut command = workspace.cargo();
                // Each test says what became of it, also where another fails.
                command.args(["test", "--workspace", "--no-fail-fast"]);
                command.args(["--test", "kill", "--test", "node", "--test", "city"]);
                command.args(["--", "--nocapture", "the_node_is_killed"]);
                places.tell(&mut command);
                // Each of the three tests; by themselves they kill 30, 10 and 4 times.
                process::run(command.env("BERTH_KILLS", "500"))
            });
        } else {
            steps.not_run("soak", "its set-up failed");
        }
        return steps.finish();
    }
    println!(
        "A first run compiles everything: 15 to 25 minutes on two cores. Later ones take a minute or two."
    );

    if steps.wants("fmt") {
        steps.run("fmt", "is everything formatted?", || {
            process::run(workspace.cargo().args(["fmt", "--all", "--check"]))
        });
    }
    if steps.wants("clippy") {
        steps.run("clippy", "lints, with every warning an error", || {
            process::run(workspace.cargo().args([
                "clippy",
                "--quiet",
                "--workspace",
                "--all-targets",
                "--",
                "--deny",
                "warnings",
            ]))
        });
    }
    if steps.wants("tests") {
        if let Some(places) = set_up(&mut steps, &workspace, arguments)? {
            steps.run("tests", "every test", || {
                let mut command = workspace.cargo();
                command.arg("test");
                if arguments.rest.is_empty() {
                    // All failures of a run at once.
                    command.args(["--workspace", "--no-fail-fast"]);
                }
                places.tell(&mut command);
                let ran = process::run(command.args(&arguments.rest));
                if places.reports.exists() {
                    println!(
                        "   reports of the conformance suite, for browsers too: {}",
                        places.reports.display()
                    );
                }
                ran
            });
        } else {
            steps.not_run("tests", "their set-up failed");
        }
    }
    if steps.wants("doc") {
        steps.run("doc", "the documentation, with every warning an error", || {
            process::run(
                workspace
                    .cargo()
                    .args(["doc", "--quiet", "--workspace", "--no-deps"])
                    .env("RUSTDOCFLAGS", "--deny warnings"),
            )
        });
    }
    if steps.wants("deny") {
        let cache = Cache::open()?;
        let checked = steps
            .run("deny", "dependencies: bans, licences, sources", || cargo_deny::check(&cache, &workspace));
        if let Some(Advisories::NotRun(reason)) = checked {
            steps.not_run("advisories", reason);
        }
    }
    steps.finish()
}

/// Everything that a test, the demo or a benchmark needs; none where a part of it failed.
fn set_up(steps: &mut Steps, workspace: &Workspace, arguments: &Arguments) -> Outcome<Option<Places>> {
    let cache = Cache::open()?;
    check_compiler(steps);
    let node_tools = steps.run("node tools", "Anvil, solc, Fabric's client and Playwright from npm", || {
        node_tools::install(workspace, &cache)
    });
    let components = build_components(steps, workspace, &cache);
    let geth = full_node(steps, &cache, arguments);
    let fabric_modules = fabric_modules(steps, workspace, &cache);
    let fabric = fabric_programs(steps, &cache, arguments);
    let [go_sdk, java_sdk, evm_packages] = evm_clients(steps, workspace, &cache);
    let browser = browser(steps, &cache);
    let python = foreign_programs(steps, workspace, &cache);
    let all = node_tools.zip(components).zip(fabric_modules);
    Ok(all.map(|((node_tools, components), fabric_modules)| Places {
        components,
        reports: workspace.target.join("reports"),
        node_tools,
        geth,
        fabric,
        fabric_modules,
        go_sdk,
        java_sdk,
        evm_packages,
        browser,
        python,
    }))
}

/// Some dependencies contain C and assembly.
fn check_compiler(steps: &mut Steps) {
    if !process::exists("cc") {
        steps.run("cc", "a C compiler", || {
            Err::<(), _>(Failure::new(
                "cc is missing: `apt-get install gcc` on Debian, or your system's C compiler",
            ))
        });
    }
}

fn build_components(steps: &mut Steps, workspace: &Workspace, cache: &Cache) -> Option<std::path::PathBuf> {
    steps.run("components", "every adapter as a WebAssembly component", || {
        components::build(workspace, &GuestToolchain::find(cache)?)
    })
}

/// What reads our certificates and asks our gateway, and was written by others. Without it the comparisons say that they did not run.
fn foreign_programs(steps: &mut Steps, workspace: &Workspace, cache: &Cache) -> Option<Python> {
    println!(
        "\n== python: programs of others that verify certificates, and hold the gateway to its description"
    );
    match python::install(workspace, cache) {
        Ok(python) => Some(python),
        Err(reason) => {
            println!("   not run: {reason}");
            steps.not_run("python", reason.to_string());
            None
        }
    }
}

/// Clients that the local EVM nodes are held against. Without one, its tests say that they did not run.
fn evm_clients(steps: &mut Steps, workspace: &Workspace, cache: &Cache) -> [Option<std::path::PathBuf>; 3] {
    println!(
        "\n== evm clients: FISCO BCOS's SDKs for Go and Java, viem and sm-crypto, against the local nodes"
    );
    let mut installed = |name: &'static str, outcome: Outcome<std::path::PathBuf>| match outcome {
        Ok(place) => Some(place),
        Err(reason) => {
            println!("   not run: {reason}");
            steps.not_run(name, reason.to_string());
            None
        }
    };
    [
        installed("go sdk", evm_clients::install_go(workspace, cache)),
        installed("java sdk", evm_clients::install_java(workspace, cache)),
        installed("evm packages", evm_clients::install_packages(workspace, cache)),
    ]
}

/// A browser. Without it the test of the operator's page says that it did not run.
fn browser(steps: &mut Steps, cache: &Cache) -> Option<std::path::PathBuf> {
    println!("\n== browser: Chromium, for the operator's page");
    match browser::install(cache) {
        Ok(program) => Some(program),
        Err(reason) => {
            println!("   not run: {reason}");
            steps.not_run("browser", reason.to_string());
            None
        }
    }
}

/// Geth, where it was asked for. Without it the tests against it say that they did not run.
fn full_node(steps: &mut Steps, cache: &Cache, arguments: &Arguments) -> Option<std::path::PathBuf> {
    if !arguments.real_ethereum {
        steps.not_run("geth", "only with `--real ethereum`");
        return None;
    }
    println!("\n== geth: a full Ethereum node");
    match geth::install(cache) {
        Ok(program) => Some(program),
        Err(reason) => {
            println!("   not run: {reason}");
            steps.not_run("geth", reason.to_string());
            None
        }
    }
}

/// What Fabric's chaincodes and its official client need.
fn fabric_modules(steps: &mut Steps, workspace: &Workspace, cache: &Cache) -> Option<std::path::PathBuf> {
    steps.run("fabric client", "Fabric's chaincodes and official client from npm", || {
        fabric::modules(workspace, cache)
    })
}

/// Fabric's programs, where they were asked for. Without them the tests against them say that they did not run.
fn fabric_programs(steps: &mut Steps, cache: &Cache, arguments: &Arguments) -> Option<std::path::PathBuf> {
    println!("\n== fabric: Hyperledger Fabric's own programs");
    let Some(release) = arguments.real_fabric else {
        let at_hand = fabric::at_hand(cache);
        if at_hand.is_none() {
            println!("   not run: only with `--real fabric`");
            steps.not_run("fabric", "only with `--real fabric`");
        }
        return at_hand;
    };
    match fabric::install(cache, release) {
        Ok(programs) => Some(programs),
        Err(reason) => {
            println!("   not run: {reason}");
            steps.not_run("fabric", reason.to_string());
            None
        }
    }
}
