//! How far a transaction comes, and that it goes forward only.

use adapter_spec::types::{Envelope, Inclusion, LedgerStatus, Receipt};

use super::super::once::{Ready, both_sent, ready};
use crate::{
    Application,
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    trial::Trial,
};

/// Blocks after which a transaction that is still not final is not waited for any more.
const MOST_BLOCKS: u32 = 300;

/// The receipt as it is now.
pub(super) async fn look(application: &Application, envelope: &Envelope) -> Result<Receipt, Stop> {
    let receipt = application.receipt(&envelope.transaction, envelope.tracking.clone()).await;
    receipt.expected("a receipt of a good envelope")
}

/// The stage of a life that never goes back.
fn stage(inclusion: &Inclusion) -> u8 {
    match inclusion {
        Inclusion::Unknown => 0,
        Inclusion::Pending => 1,
        Inclusion::Included(_) => 2,
        Inclusion::Final => 3,
        Inclusion::Expired | Inclusion::Superseded(_) => 4,
    }
}

/// The receipts of one transaction, in their order.
#[derive(Default)]
struct Course {
    last: Option<Receipt>,
}

impl Course {
    /// Takes the next one.
    fn see(&mut self, receipt: Receipt) -> Checked {
        if let Some(last) = &self.last {
            let (before, now) = (stage(&last.inclusion), stage(&receipt.inclusion));
            let what = format!("a receipt that was {:?} moves forward only", last.inclusion);
            // From unknown and pending to any; further on back only where blocks have left the chain, which none has.
            let allowed = match before {
                0 | 1 => true,
                2 => now == 2 || now == 3,
                _ => last.inclusion == receipt.inclusion,
            };
            ensure(allowed, what, || format!("{:?} afterwards", receipt.inclusion))?;
            if before == 3 {
                ensure(
                    last.block == receipt.block && last.index == receipt.index,
                    "a final transaction stays in its block",
                    || format!("it moved from {:?} to {:?}", last.block, receipt.block),
                )?;
            }
        }
        self.last = Some(receipt);
        Ok(())
    }
}

/// Makes blocks, or waits, until the transaction is final. Gives the receipts until then, each with the ledger's status,
/// which was asked for after it.
async fn until_final(
    trial: &Trial,
    application: &Application,
    envelope: &Envelope,
) -> Result<Vec<(Receipt, LedgerStatus)>, Stop> {
    let steps = if trial.can("advance") { MOST_BLOCKS } else { trial.facts.testbed.patience };
    let mut seen = Vec::new();
    for _ in 0..steps {
        let receipt = look(application, envelope).await?;
        let status = application.status().await.expected("the ledger's status")?;
        let is_final = receipt.inclusion == Inclusion::Final;
        seen.push((receipt, status));
        if is_final {
            return Ok(seen);
        }
        trial.advance(1).await?;
        if !trial.can("advance") {
            application.pause().await;
        }
    }
    Err(Stop::Unknown("the transaction did not become final while the suite waited".into()))
}

pub(super) async fn forward_only(trial: &mut Trial) -> Checked {
    let Ready { application, envelope, .. } = ready(trial).await?;
    let mut course = Course::default();
    course.see(look(&application, &envelope).await?)?;
    same(&Ok(()), &application.try_send(&envelope).await?, "sending a good envelope")?;
    course.see(look(&application, &envelope).await?)?;
    course.see(application.included(&envelope).await?)?;
    for (receipt, _) in until_final(trial, &application, &envelope).await? {
        course.see(receipt)?;
    }
    // However much comes after it, and whoever is asked.
    for instance in [application.clone(), application.restarted().await?] {
        trial.advance(5).await?;
        instance.pause().await;
        course.see(look(&instance, &envelope).await?)?;
    }
    application.set_state(std::collections::BTreeMap::new());
    course.see(look(&application.restarted().await?, &envelope).await?)
}

pub(super) async fn final_by_the_ledger(trial: &mut Trial) -> Checked {
    let Ready { application, envelope, .. } = ready(trial).await?;
    same(&Ok(()), &application.try_send(&envelope).await?, "sending a good envelope")?;
    application.included(&envelope).await?;
    for (receipt, status) in until_final(trial, &application, &envelope).await? {
        let (Some(block), newest) = (receipt.block, status.finalized.number) else { continue };
        ensure(
            receipt.inclusion != Inclusion::Final || block.number <= newest,
            "`final` only for what is in a block that the ledger calls final",
            || format!("block {} is called final, and {newest} is the newest final one", block.number),
        )?;
    }
    Ok(())
}

pub(super) async fn confirmations(trial: &mut Trial) -> Checked {
    let Ready { application, envelope, .. } = ready(trial).await?;
    same(&Ok(()), &application.try_send(&envelope).await?, "sending a good envelope")?;
    application.included(&envelope).await?;
    let (mut counted, mut last) = (0, 0);
    for _ in 0..20 {
        let before = application.status().await.expected("the ledger's status")?.head.number;
        let receipt = look(&application, &envelope).await?;
        let after = application.status().await.expected("the ledger's status")?.head.number;
        let (Inclusion::Included(count), Some(block)) = (&receipt.inclusion, &receipt.block) else { break };
        ensure(*count >= last, "confirmations fall only when blocks leave the chain", || {
            format!("{count} after {last}")
        })?;
        last = *count;
        if before == after {
            let expected = before.saturating_sub(block.number).saturating_add(1);
            counted += 1;
            ensure(
                u64::from(*count) == expected,
                format!("{expected} confirmations, of which the block itself is the first"),
                || format!("{count}, {} blocks behind the newest", before.saturating_sub(block.number)),
            )?;
        }
        trial.advance(1).await?;
        application.pause().await;
    }
    if counted == 0 {
        return Err(Stop::NotApplicable("whatever is in a block is final here".into()));
    }
    Ok(())
}

/// A fault if the transaction is over.
async fn open(application: &Application, envelope: &Envelope, what: &str) -> Checked {
    let inclusion = look(application, envelope).await?.inclusion;
    ensure(stage(&inclusion) < 4, format!("neither `expired` nor `superseded` for {what}"), || {
        format!("{inclusion:?}")
    })
}

async fn waits(application: &Application, envelope: &Envelope) -> Checked {
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    open(application, envelope, "what waits for a block").await
}

pub(super) async fn not_over(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    open(application, envelope, "what can still be sent").await?;
    trial.advance(1).await?;
    open(&application.restarted().await?, envelope, "what can still be sent").await?;
    if trial.can("hold") {
        trial.control("hold", &[]).await?;
        let waited = waits(application, envelope).await;
        trial.control("release", &[]).await?;
        waited?;
    }
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    ready.took_effect_once(trial, "one envelope").await?;
    past_its_end(trial).await
}

/// What is called expired stays without effect, also when it is sent after all.
async fn past_its_end(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    match Trial::where_it_can(trial.pass(application, &envelope.valid_until).await) {
        Ok(true) => {}
        Ok(false) | Err(Stop::Unknown(_)) => return Ok(()),
        Err(stop) => return Err(stop),
    }
    trial.advance(8).await?;
    let over = look(application, envelope).await?.inclusion;
    if over != Inclusion::Expired {
        return Ok(());
    }
    application.try_send(envelope).await?.ok();
    trial.advance(2).await?;
    ready.counter.grew_by(trial, application, 0, "a transaction that was called expired").await?;
    same(&over, &look(application, envelope).await?.inclusion, "an expired transaction")
}

/// An original and its replacement, both sent, with their receipts as they become final.
async fn rivals(trial: &mut Trial, mut each: impl FnMut(&Receipt, &Receipt) -> Checked) -> Result<(), Stop> {
    let ready = ready(trial).await?;
    let replacement = both_sent(trial, &ready).await?;
    let Ready { application, envelope, .. } = &ready;
    for _ in 0..MOST_BLOCKS {
        for [one, other] in [[envelope, &replacement], [&replacement, envelope]] {
            // The other one is asked after it, so that it can only have gone on.
            let (first, second) = (look(application, one).await?, look(application, other).await?);
            each(&first, &second)?;
            if let (Inclusion::Superseded(_), Inclusion::Final) = (&first.inclusion, &second.inclusion) {
                return Ok(());
            }
        }
        trial.advance(1).await?;
    }
    Err(Stop::Unknown("neither the original nor its replacement became final while the suite waited".into()))
}

pub(super) async fn superseded_by_final(trial: &mut Trial) -> Checked {
    let mut settled = 0;
    let end = rivals(trial, |first, second| {
        if let Inclusion::Superseded(_) = first.inclusion {
            settled += 1;
            return ensure(
                second.inclusion == Inclusion::Final,
                "`superseded` only when what took its place is final",
                || format!("what took its place is {:?}", second.inclusion),
            );
        }
        Ok(())
    });
    end.await?;
    if settled == 0 {
        fail("the transaction that lost its place is superseded", "it never is")
    } else {
        Ok(())
    }
}

pub(super) async fn names_the_other(trial: &mut Trial) -> Checked {
    let each = |first: &Receipt, second: &Receipt| match &first.inclusion {
        Inclusion::Superseded(by) => ensure(
            by.is_empty() || *by == second.transaction,
            format!("`superseded` names the transaction that took its place, {}", second.transaction),
            || format!("it names {by:?}"),
        ),
        _ => Ok(()),
    };
    rivals(trial, each).await
}
