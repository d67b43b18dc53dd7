//! `berth node restore`.

use std::path::{Path, PathBuf};

use berth_backup::Checked;
use clap::Args;
use serde_json::json;

use super::{
    backup::{Progress, document, failed},
    operator::{Which, configuration},
};
use crate::{failure::Failure, show::plain};

/// `berth node restore`
#[derive(Args, Debug)]
#[command(after_help = "\
The file is checked to its last byte before anything is written, and the folder
has its place only when it is whole. The node starts on it with the master key
of the node that was backed up.

Whatever happened after the backup is unknown to the restored node:
- An idempotency key that was used after the backup is free again, and a call
  that the backup has as begun may have been sent since. A client that sends
  such a call once more has it carried out TWICE. So the node suspends every
  application at its first start. Look on the ledger for what was sent after the
  backup, have clients drop what they would send again, and then let each
  application go on: berth node app go-on NAME
- What was signed before the backup and is under way in it is taken up: the very
  same bytes are sent, so it happens once.
- Participants who were revoked, members who were removed, and applications that
  were removed after the backup are there again: revoke and remove them anew.
  Whoever was enrolled after it is unknown. Keys that the node made after it are
  lost, with their accounts.
- Usage after the backup is not counted, and the chain of signed usage records
  goes on from the backup's last: records that were given out later are followed
  by none.
- Admission forgets what it learned after the backup: raise the policy's floors
  and give it the newest revocation list.

Examples:
  berth node restore --config node.toml monday.berth-backup
  berth node restore --config node.toml monday.berth-backup --force
  berth node serve --config node.toml
  berth node app go-on shop

Exit codes: 0 it is put back; 2 wrong usage, a node runs, or the folder is in
use; 3 the file is damaged, or the machine. Nothing is changed then.")]
pub(crate) struct Restore {
    /// The backup
    file: PathBuf,
    /// Move a folder that has something in it aside; nothing of it is deleted
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub(super) which: Which,
}

pub(super) fn run(arguments: &Restore) -> Result<(), Failure> {
    let state = configuration(&arguments.which.config)?.state();
    let mut progress = Progress::new("checked");
    let checked = Checked::open(&arguments.file, |bytes| progress.show(bytes)).map_err(failed)?;
    drop(progress);
    let mut progress = Progress::new("put back");
    let restored = checked.restore(&state, arguments.force, |bytes| progress.show(bytes)).map_err(failed)?;
    drop(progress);
    let made = restored.summary.made;
    if arguments.which.json {
        let mut document = document(&restored.summary);
        if let Some(fields) = document.as_object_mut() {
            fields.insert("state".into(), json!(state));
            fields.insert("moved_aside".into(), json!(restored.aside));
        }
        println!("{document:#}");
    } else {
        let shown = |path: &Path| plain(&path.display().to_string());
        println!("{} is as it was at {made}", shown(&state));
        println!("  records   {}, in {} bytes", restored.summary.records, restored.summary.bytes);
        if let Some(aside) = &restored.aside {
            println!("  before    moved to {}", shown(aside));
        }
    }
    eprintln!(
        "Idempotency keys that were used after {made} are unknown to this node: a call that is sent again is carried out \
         twice. At its first start it suspends every application; `berth node app go-on NAME` takes one up again. See \
         berth node restore --help."
    );
    Ok(())
}
