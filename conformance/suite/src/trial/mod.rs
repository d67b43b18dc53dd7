//! What one scenario works with: applications, actors, the probe contract, and the means to make things go wrong.

mod again;
mod application;
mod counter;
pub(crate) mod faults;
mod garble;
mod gate;
mod lent;
pub(crate) mod observed;
mod probe;
mod signatures;
mod store;
mod time;
mod verifier;
mod watched;

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, atomic::AtomicI64},
};

use adapter_spec::{
    Adapter, CallError, Lender,
    types::{Call, CallOptions, Party, PublicKey, SignatureScheme},
};
use berth_crypto::SigningKey;
use berth_lending::recording::{Recorder, Recording, RecordingError, Replayer, Room};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use sha2::{Digest as _, Sha256};

pub use again::Again;
pub use application::{Actor, Application, Signed, Written, signed_bytes};
pub use counter::Counter;
pub use faults::{Asked, Disturbance, Which};
pub use gate::Crash;
pub(crate) use gate::below;
pub use observed::{Ending, Observed, Request};
pub use probe::Contracts;
pub use signatures::{is_upper, mirrored};
pub use store::{Begun, Came, Store};
pub use time::HOUR;
pub use verifier::Verifier;

use crate::{
    check::{Expect as _, Facts, Stop},
    ground::{Ground, certificate, signing_key},
};
use application::Setup;
use gate::Gate;
use lent::{Kept, Lent};
use watched::{Log, Watcher};

/// One scenario's world.
pub struct Trial {
    /// What is known beforehand.
    pub facts: Arc<Facts>,
    /// The adapter itself, for what is not an application's.
    pub adapter: Arc<dyn Adapter>,
    /// The contracts that the run's preparation put on the ledger.
    pub contracts: Contracts,
    rng: ChaCha8Rng,
    gate: Gate,
    log: Log,
    ground: Arc<dyn Ground>,
    applications: Vec<(String, Arc<Recorder>)>,
    room: Room,
    /// Of a replay: what the applications of this scenario were lent, in the order in which they were opened.
    replayed: Option<Vec<Recording>>,
    replayers: Vec<Arc<Replayer>>,
    actors: usize,
    /// How far the node's clock was set ahead, milliseconds.
    ahead: AtomicI64,
}

/// What a scenario is made from.
pub(crate) struct TrialSetup {
    pub(crate) facts: Arc<Facts>,
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) contracts: Contracts,
    pub(crate) ground: Arc<dyn Ground>,
    pub(crate) seed: u64,
    /// The check's id.
    pub(crate) name: String,
    /// For all that its applications ask of their imports.
    pub(crate) room: Room,
    pub(crate) replayed: Option<Vec<Recording>>,
}

/// What a test bed can be told, by itself.
#[derive(Clone)]
pub struct Controls(Arc<dyn Ground>);

impl Controls {
    /// Tells the test bed to do something.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn control(&self, name: &str, places: &[(&str, u64)]) -> Result<(), Stop> {
        let places = places.iter().map(|(place, value)| (*place, value.to_string())).collect();
        self.0.control(name, &places).await
    }
}

impl Trial {
    pub(crate) fn new(setup: TrialSetup) -> Self {
        let TrialSetup { facts, adapter, contracts, ground, seed, name, room, replayed } = setup;
        let seed = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(&name).finalize();
        Trial {
            facts,
            adapter,
            contracts,
            rng: ChaCha8Rng::from_seed(seed.into()),
            gate: Gate::default(),
            log: Log::default(),
            ground,
            applications: Vec::new(),
            room,
            replayed,
            replayers: Vec::new(),
            actors: 0,
            ahead: AtomicI64::new(0),
        }
    }

    /// A number below `bound`, from the seed.
    pub fn below(&mut self, bound: usize) -> usize {
        below(&mut self.rng, bound)
    }

    /// Random bytes, from the seed.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// A name of lower-case letters, from the seed.
    pub fn name(&mut self) -> String {
        let length = 5 + self.below(8);
        (0..length).map(|_| char::from(b'a' + u8::try_from(self.below(26)).unwrap_or_default())).collect()
    }

    /// The seed's own generator, for libraries that want one.
    pub fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }

    /// Options with a salt of their own.
    pub fn options(&mut self) -> CallOptions {
        CallOptions { salt: self.bytes(32), ..CallOptions::default() }
    }

    /// An application with the test bed's settings and all its endpoints.
    ///
    /// # Errors
    /// A fault when the adapter does not open it.
    pub async fn application(&mut self) -> Result<Application, Stop> {
        let settings = serde_json::Value::Object(self.facts.testbed.settings.clone()).to_string();
        self.application_with(&settings, usize::MAX).await?.expected("open succeeds with settings that fit")
    }

    /// The same under a name that the suite would not give it.
    ///
    /// # Errors
    /// A fault when the adapter does not open it.
    pub async fn application_named(&mut self, name: &str) -> Result<Application, Stop> {
        let settings = serde_json::Value::Object(self.facts.testbed.settings.clone()).to_string();
        let opened = self.open(name.to_owned(), &settings, usize::MAX, &[]).await?;
        opened.expected("open succeeds with settings that fit")
    }

    /// An application with these settings, and at most `limit` endpoints under each need.
    ///
    /// # Errors
    /// Only of the harness; the inner error is the adapter's.
    pub async fn application_with(
        &mut self,
        settings: &str,
        limit: usize,
    ) -> Result<Result<Application, CallError>, Stop> {
        let name = self.name();
        self.open(name, settings, limit, &[]).await
    }

    /// An application with these settings, and nothing lent under these needs.
    ///
    /// # Errors
    /// Only of the harness; the inner error is the adapter's.
    pub async fn application_without(
        &mut self,
        settings: &str,
        withheld: &[&str],
    ) -> Result<Result<Application, CallError>, Stop> {
        let name = self.name();
        self.open(name, settings, usize::MAX, withheld).await
    }

    async fn open(
        &mut self,
        name: String,
        settings: &str,
        limit: usize,
        withheld: &[&str],
    ) -> Result<Result<Application, CallError>, Stop> {
        let (watcher, kept) = self.watched(name, limit, withheld)?;
        let recorder = watcher.recorder.clone();
        let setup = Setup {
            adapter: self.adapter.clone(),
            recorder,
            gate: self.gate.clone(),
            kept,
            watcher,
            settings: settings.to_owned(),
            patience: self.facts.testbed.patience,
            is_live: self.ground.is_live(),
        };
        Ok(Application::open(setup).await)
    }

    /// What is lent under a name of its own, recorded and watched.
    fn watched(
        &mut self,
        name: String,
        limit: usize,
        withheld: &[&str],
    ) -> Result<(Watcher, Arc<Mutex<Kept>>), Stop> {
        let seed = self.rng.next_u64();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let lender: Arc<dyn Lender> = match &mut self.replayed {
            None => {
                let ground = self.ground.lend(&name, limit)?;
                let withheld = withheld.iter().map(|need| (*need).to_owned()).collect();
                Arc::new(Lent {
                    application: name.as_str().into(),
                    ground,
                    kept: kept.clone(),
                    seed,
                    withheld,
                })
            }
            Some(recordings) => {
                if recordings.is_empty() {
                    return Err(Stop::Harness(
                        "the recording has fewer applications than the run opens".into(),
                    ));
                }
                let replayer = Replayer::new(recordings.remove(0), None);
                self.replayers.push(replayer.clone());
                replayer
            }
        };
        let recorder = Recorder::in_clear(lender, self.room.clone());
        self.applications.push((name.clone(), recorder.clone()));
        let watcher = Watcher { application: name.as_str().into(), recorder, log: self.log.clone() };
        Ok((watcher, kept))
    }

    /// The test bed's party with this number, from 0.
    ///
    /// # Errors
    /// When there is none, or its key is unusable.
    pub fn party(&self, number: usize) -> Result<Actor, Stop> {
        let party = self.facts.testbed.parties.get(number);
        let party = party.ok_or_else(|| Stop::Unknown(format!("the test bed has no party {number}")))?;
        let key = signing_key(party.scheme, &party.secret)?;
        let public =
            PublicKey { certificate: certificate(party.certificate.as_deref())?, ..key.public_key() };
        Ok(Actor { party: Party { account: party.account.clone(), keys: vec![public] }, key: Arc::new(key) })
    }

    /// A key of the seed's, of this scheme; nobody has seen it before.
    ///
    /// # Errors
    /// Never but for a scheme without keys.
    pub fn fresh_key(&mut self, scheme: SignatureScheme) -> Result<SigningKey, Stop> {
        for _ in 0..8 {
            if let Ok(key) = SigningKey::from_bytes(scheme, &self.bytes(32)) {
                return Ok(key);
            }
        }
        Err(Stop::Harness("the seed gave no key".into()))
    }

    /// Somebody who can write and was never seen before, where the test bed can fund accounts; otherwise the next of its
    /// parties. `Unknown` where it has no more.
    ///
    /// # Errors
    /// A fault when the funding call fails.
    pub async fn actor(&mut self, application: &Application) -> Result<Actor, Stop> {
        let number = self.actors;
        self.actors += 1;
        if self.can("fund") {
            let scheme = self.party(0)?.key.scheme();
            return self.admitted_actor(scheme).await;
        }
        let Some(fund) = self.facts.testbed.fund.clone() else {
            // Nobody acts twice: what one actor left under way would be counted as the other's.
            let parties = self.facts.testbed.parties.len();
            return self.party(number).map_err(|_| {
                Stop::Unknown(format!(
                    "the test bed has {parties} parties, and this check acts as more; 12 are enough for every check"
                ))
            });
        };
        let payer = self.party(0)?;
        let key = self.fresh_key(payer.key.scheme())?;
        let public = key.public_key();
        let accounts = application.accounts(public.clone()).await.expected("accounts of a good key")?;
        let account = accounts.first().cloned().unwrap_or_default();
        let fill = |text: &str| text.replace("{account}", &account);
        let call = match (fund.native, fund.invoke) {
            (Some(mut native), _) => {
                native.json = fill(&native.json);
                Call::Native(native)
            }
            (None, Some(mut invoke)) => {
                invoke.contract = fill(&invoke.contract);
                for argument in &mut invoke.arguments {
                    if let adapter_spec::types::Value::Text(text) = argument {
                        *text = fill(text);
                    }
                }
                Call::Invoke(invoke)
            }
            (None, None) => {
                return Err(Stop::Harness("the test bed's fund is neither native nor invoke".into()));
            }
        };
        let options = CallOptions { amount: fund.amount, ..self.options() };
        application.write_well(call, &payer, options).await?;
        Ok(Actor { party: Party { account: None, keys: vec![public] }, key: Arc::new(key) })
    }

    /// Somebody who can write, with a key of this scheme.
    ///
    /// # Errors
    /// `Unknown` where the test bed has nobody of the kind.
    pub async fn actor_of(
        &mut self,
        application: &Application,
        scheme: SignatureScheme,
    ) -> Result<Actor, Stop> {
        if self.can("fund") {
            return self.admitted_actor(scheme).await;
        }
        match self.facts.testbed.parties.iter().position(|party| party.scheme == scheme) {
            Some(0) => self.actor(application).await,
            Some(number) => self.party(number),
            None => {
                Err(Stop::Unknown(format!("the test bed has nobody with a key of the scheme {scheme:?}")))
            }
        }
    }

    /// Somebody whom the test bed itself gives the means to write.
    async fn admitted_actor(&mut self, scheme: SignatureScheme) -> Result<Actor, Stop> {
        let key = self.fresh_key(scheme)?;
        let public = key.public_key();
        let named = serde_json::to_value(scheme).ok().and_then(|name| name.as_str().map(str::to_owned));
        let places =
            BTreeMap::from([("scheme", named.unwrap_or_default()), ("point", hex::encode(&public.point))]);
        self.ground.control("fund", &places).await?;
        Ok(Actor { party: Party { account: None, keys: vec![public] }, key: Arc::new(key) })
    }

    /// Tells the test bed to do something.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn control(&self, name: &str, places: &[(&str, u64)]) -> Result<(), Stop> {
        self.controls().control(name, places).await
    }

    /// The test bed's controls, to be used beside calls.
    #[must_use]
    pub fn controls(&self) -> Controls {
        Controls(self.ground.clone())
    }

    /// Whether the test bed can do this.
    #[must_use]
    pub fn can(&self, control: &str) -> bool {
        self.facts.testbed.controls.contains_key(control)
    }

    /// Makes this many blocks, where the test bed can; elsewhere time makes them.
    ///
    /// # Errors
    /// When the test bed is broken.
    pub async fn advance(&self, blocks: u64) -> Result<(), Stop> {
        if self.can("advance") { self.control("advance", &[("blocks", blocks)]).await } else { Ok(()) }
    }

    /// Runs calls side by side: one import call at a time, in an order that the seed decides.
    pub async fn interleave<'a, T>(
        &mut self,
        futures: Vec<Pin<Box<dyn Future<Output = T> + Send + 'a>>>,
    ) -> Vec<T> {
        self.gate.interleave(&mut self.rng, futures).await
    }

    /// Runs a call and ends it after it has passed this many points. Each import call has two: before it is carried out, and
    /// after that, before its answer reaches the adapter.
    pub async fn crash_after<T>(&self, points: u32, future: impl Future<Output = T> + Send) -> Crash<T> {
        self.gate.crash_after(points, future).await
    }

    /// All calls of all applications that have ended.
    #[must_use]
    pub fn calls(&self) -> Vec<Observed> {
        self.log.lock().clone()
    }

    /// # Errors
    /// When one was cut off.
    pub(crate) fn recordings(&self) -> Result<Vec<Recording>, RecordingError> {
        self.applications.iter().map(|(_, recorder)| recorder.recording()).collect()
    }

    /// Where a replay parted from its recording.
    pub(crate) fn divergence(&self) -> Option<String> {
        let first = |replayer: &Arc<Replayer>| {
            let diverged = replayer.divergences().first().map(ToString::to_string);
            diverged.or_else(|| replayer.leftovers().first().map(ToString::to_string))
        };
        self.replayers.iter().find_map(first)
    }
}
