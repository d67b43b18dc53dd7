//! The second half of the demonstration: the adapter is certified, signed, logged and let in, and a tampered copy is not.
//! Every step is a command that anybody can type.

use std::{fs, path::PathBuf, process::Command};

use anvil_process::Anvil;

use crate::{
    failure::{Failure, OrFail as _, Outcome},
    places::Places,
    process,
    workspace::Workspace,
};

/// A folder in which commands are typed.
struct Desk {
    folder: PathBuf,
    berth: PathBuf,
}

impl Desk {
    /// Types a command, shows it and what it says, and expects this exit code.
    fn berth(&self, expected: i32, arguments: &[&str]) -> Outcome<()> {
        let quoted = |word: &&str| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() };
        println!("\n$ berth {}", arguments.iter().map(quoted).collect::<Vec<_>>().join(" "));
        let status = Command::new(&self.berth).args(arguments).current_dir(&self.folder).status();
        let status = status.or_fail("berth does not start")?;
        if status.code() == Some(expected) {
            return Ok(());
        }
        Err(Failure::new(format!("`berth {}` ended with {status}, not with {expected}", arguments.join(" "))))
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Outcome<()> {
        fs::write(self.folder.join(name), content).or_fail(format!("cannot write {name}"))
    }

    fn read(&self, name: &str) -> Outcome<Vec<u8>> {
        fs::read(self.folder.join(name)).or_fail(format!("cannot read {name}"))
    }
}

/// The file that is certified.
const COMPONENT: &str = "ethereum.component.wasm";
/// A changed copy, with the same certificate beside it.
const TAMPERED: &str = "tampered.component.wasm";

/// Runs it.
pub fn demonstrate(workspace: &Workspace, places: &Places) -> Outcome<()> {
    let desk = Desk {
        folder: workspace.target.join("certified"),
        berth: workspace.target.join("debug").join("berth"),
    };
    if desk.folder.exists() {
        fs::remove_dir_all(&desk.folder).or_fail("cannot clear the folder of the last demonstration")?;
    }
    fs::create_dir_all(&desk.folder).or_fail("cannot make a folder for the demonstration")?;
    fs::copy(places.components.join(COMPONENT), desk.folder.join(COMPONENT))
        .or_fail("cannot copy the component")?;
    println!("The files of this part stay in {}.", desk.folder.display());

    let node = Anvil::start(&places.node_tools.anvil, &["--slots-in-an-epoch", "2"])
        .or_fail("Anvil does not start")?;
    let version = process::read(Command::new(&places.node_tools.anvil).arg("--version"))?;
    let version = version.lines().next().unwrap_or("Anvil").trim().to_owned();
    let testbed = workspace.root.join("adapters/ethereum/conformance/testbed.toml");
    let testbed = testbed.to_string_lossy().into_owned();
    let set = [
        format!("node={}", node.url()),
        format!("version={version}"),
        format!("program={}", places.node_tools.anvil.display()),
    ];
    let run = ["certify", "run", COMPONENT, "--testbed", &testbed, "--set", &set[0], "--set", &set[1]];
    desk.berth(0, &[&run[..], &["--set", &set[2], "--report", "report"]].concat())?;
    drop(node);

    println!("\nThe node is gone. The run is repeated from its recording alone:");
    desk.berth(0, &["certify", "replay", COMPONENT, "report/evidence.berth"])?;

    println!("\nA certifier signs what the run showed, and a log that a witness watches takes it in:");
    desk.berth(0, &["certify", "key", "certifier.pem"])?;
    desk.berth(0, &["certify", "key", "witness.pem"])?;
    let sign =
        ["certify", "sign", COMPONENT, "--key", "certifier.pem", "--evidence", "report/evidence.berth"];
    desk.berth(0, &[&sign[..], &["--framework-version", "osaka"]].concat())?;
    let witness = ["--witness", "witness.example", "--key", "witness.pem"];
    desk.berth(0, &[&["certify", "log", "init", "log", "--origin", "log.example"][..], &witness].concat())?;
    desk.berth(0, &[&["certify", "log", "append", COMPONENT, "--log", "log"][..], &witness].concat())?;
    let list = ["certify", "revoke", "--list", "revocations.json", "--key", "certifier.pem"];
    desk.berth(0, &list)?;

    println!("\nAn operator says whom to trust, and lets the adapter in:");
    let policy = policy(&desk)?;
    desk.write("policy.toml", &policy)?;
    println!("\n{}", policy.lines().map(|line| format!("    {line}\n")).collect::<String>().trim_end());
    let trust = ["--policy", "policy.toml", "--revocations", "revocations.json"];
    let admit = |file| [&["node", "admit", file, "--state", "node"][..], &trust].concat();
    desk.berth(0, &[&["certify", "verify", COMPONENT][..], &trust].concat())?;
    desk.berth(0, &admit(COMPONENT))?;
    println!("\nOnce more: now its compiled code comes from the node's cache.");
    desk.berth(0, &admit(COMPONENT))?;

    println!("\nA copy in which one byte was changed, with the same certificate beside it, is refused:");
    let mut bytes = desk.read(COMPONENT)?;
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 1;
    }
    desk.write(TAMPERED, bytes)?;
    desk.write(
        &format!("{TAMPERED}.certificate.json"),
        desk.read(&format!("{COMPONENT}.certificate.json"))?,
    )?;
    desk.berth(1, &admit(TAMPERED))?;

    println!("\nWhat is revoked is refused too, however good its certificate was:");
    let reason = ["--component", COMPONENT, "--reason", "the demonstration is over"];
    desk.berth(0, &[&list[..], &reason].concat())?;
    desk.berth(1, &admit(COMPONENT))?;
    desk.berth(0, &["node", "audit", "node"])
}

/// Whom the operator of the demonstration trusts.
fn policy(desk: &Desk) -> Outcome<String> {
    let pem = |name: &str| {
        let text = desk.read(name)?;
        String::from_utf8(text).or_fail(format!("{name} is no text")).map(|text| text.trim().to_owned())
    };
    let (certifier, witness) = (pem("certifier.pem.pub")?, pem("witness.pem.pub")?);
    Ok(format!(
        "version = 1\nmode = \"enforce\"\nlevels = [\"core\", \"store\", \"events\", \"blocks\"]\n\
         standards = [{{ version = \"0.1.0\" }}]\nsuites = [{{ version = \"0.1.0\" }}]\n\n\
         [certifiers]\nthreshold = 1\nkeys = [\"\"\"\n{certifier}\n\"\"\"]\n\n\
         [log]\norigin = \"log.example\"\nthreshold = 1\n\n\
         [[log.witnesses]]\nname = \"witness.example\"\nkey = \"\"\"\n{witness}\n\"\"\"\n"
    ))
}
