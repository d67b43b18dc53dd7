//! The salt: the source of every random value of a transaction.

use std::{collections::BTreeMap, sync::Arc};

use adapter_spec::types::{Call, CallOptions, Step};

use crate::{
    Application,
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::{Actor, Request, Trial, signed_bytes},
};

/// How often a pair of calls is begun until the node says the same both times.
const TRIES: usize = 8;

/// What is asked to be signed, and what was asked of endpoints, with the answers.
async fn begun(
    application: &Application,
    call: Call,
    actor: &Actor,
    options: CallOptions,
) -> Result<(Vec<Vec<u8>>, Arc<[Request]>), Stop> {
    application.set_state(BTreeMap::new());
    let step = application.begin(call, actor.parties(), options).await.expected("begin starts the call")?;
    let asked = application.last_call()?.requests();
    match step {
        Step::Sign(request) => {
            Ok((request.items.iter().map(|item| signed_bytes(&item.input)).collect(), asked))
        }
        Step::Send(envelope) => Ok((vec![envelope.bytes], asked)),
        Step::Answer(_) => fail("a call that writes does not end in an answer", "an answer"),
    }
}

fn is_same_question(one: &Request, other: &Request) -> bool {
    (&one.endpoint, &one.method, &one.content) == (&other.endpoint, &other.method, &other.content)
}

pub(super) async fn same_salt(trial: &mut Trial, application: &Application, actor: &Actor) -> Checked {
    for _ in 0..TRIES {
        let (call, options) = (trial.add(1)?, trial.options());
        let (first, asked) = begun(application, call.clone(), actor, options.clone()).await?;
        let instance = application.restarted().await?;
        let (again, asked_again) = begun(&instance, call, actor, options).await?;
        let same = "the same call, parties, salt, time and node answers give the same bytes to sign";
        // What is asked second may only differ once an answer has: until then nothing is new but what the adapter made up.
        let parted = asked.iter().zip(asked_again.iter()).find(|(request, again)| request != again);
        match parted {
            Some((request, again)) if is_same_question(request, again) => {
                application.pause().await;
                continue;
            }
            Some((request, _)) => {
                return fail(same, format!("{} is asked for something else the second time", request.method));
            }
            None if asked.len() != asked_again.len() => {
                return fail(
                    same,
                    format!("{} requests, and {} the second time", asked.len(), asked_again.len()),
                );
            }
            None => return ensure(first == again, same, || "other bytes the second time".into()),
        }
    }
    Err(Stop::Unknown("the node never said the same twice".into()))
}

pub(super) async fn same(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    // With a clock that stands still, time is the same.
    application.hold_clock(true);
    let end = same_salt(trial, &application, &actor).await;
    application.hold_clock(false);
    end
}

pub(super) async fn different(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let amount = trial.amount();
    // The same call twice, in everything but its salt, before either is sent.
    let mut envelopes = Vec::new();
    for _ in 0..2 {
        let (call, options) = (trial.add(amount)?, trial.options());
        envelopes.push(application.envelope(call, &actor, options).await?);
    }
    let ids: Vec<_> = envelopes.iter().map(|envelope| &envelope.transaction).collect();
    ensure(ids.first() != ids.last(), "different salts give different transactions", || {
        format!("both are {ids:?}")
    })?;
    // What is signed is sent, so that the account can go on. The second may wait for the first, or be excluded by it.
    let mut taken = Vec::new();
    for envelope in &envelopes {
        if application.try_send(envelope).await?.is_ok() {
            taken.push(envelope);
        }
    }
    trial.advance(1).await?;
    // What is still under way would count in the next scenario's name.
    for envelope in taken {
        drop(application.included(envelope).await);
    }
    Ok(())
}
