//! A loaded adapter with what it is lent.

use std::{path::Path, sync::Arc, time::Duration};

use adapter_spec::{
    Adapter as _, CallError, Ledger, Lender,
    types::{CallOptions, Descriptor, HashAlgorithm},
};
use berth_host::{Host, HostConfig, Limits};
use berth_lending::{
    Endpoint, Lending, LendingError, Network, Randomness as _, SledState, StateLimits, SystemRandomness,
    recording::{Recorder, Recording, Replayer, Room},
};
use serde::Serialize;

use crate::{
    arguments::{Common, WriteOptions},
    cost,
    failure::{Failure, Kind},
    files, inspect, lend_file,
    show::Sheet,
};

/// The name that the adapter's state is kept under.
const APPLICATION: &str = "berth";
/// The most bytes of a recording, written and read.
const MAX_RECORDING: u64 = 256 << 20;

/// One command's adapter.
pub(super) struct Session {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) descriptor: Descriptor,
    pub(super) common: Common,
    cost: Arc<cost::Ledger>,
    recorder: Option<Arc<Recorder>>,
    replayer: Option<Arc<Replayer>>,
}

impl Session {
    /// Loads the adapter, lends it what is given, and opens its ledger.
    pub(super) async fn open(file: &Path, common: Common) -> Result<Self, Failure> {
        let cost = Arc::new(cost::Ledger::default());
        let host = Host::new(HostConfig {
            cache: inspect::cache(common.no_cache),
            observer: Some(cost.clone()),
            ..inspect::small_host()
        })
        .map_err(inspect::host_failed)?;
        let limits = Limits {
            memory: usize::try_from(common.max_memory).unwrap_or(usize::MAX >> 20) << 20,
            wall_time: Duration::from_secs(common.max_time.into()),
            compute_time: Duration::from_secs(common.max_time.into()),
            ..Limits::default()
        };
        let adapter = inspect::load(&host, file, limits).await?;
        let descriptor = adapter.facts().descriptor.clone();
        let settings = settings(&common)?;

        let replayer = common.replay.as_deref().map(replayer).transpose()?;
        let lender: Arc<dyn Lender> = match &replayer {
            Some(replayer) => replayer.clone(),
            None => lending(&common, &descriptor)?,
        };
        let recorder = match &common.record {
            Some(_) => Some(
                Recorder::new(lender.clone(), None, Room::new(MAX_RECORDING))
                    .map_err(|error| Failure::host("the recording could not be begun", &error))?,
            ),
            None => None,
        };
        let lender = recorder.clone().map_or(lender, |recorder| recorder as Arc<dyn Lender>);
        let ledger = adapter
            .open(lender, &settings)
            .await
            .map_err(|error| Failure::call(&descriptor.name, "open", error))?;
        Ok(Session { ledger, descriptor, common, cost, recorder, replayer })
    }

    /// Names the adapter and the function in a failure.
    pub(super) fn failed(&self, function: &'static str) -> impl Fn(CallError) -> Failure {
        let adapter = self.descriptor.name.clone();
        move |error| Failure::call(&adapter, function, error)
    }

    /// Whether this is a replay, in which nothing changes by waiting.
    pub(super) fn is_replay(&self) -> bool {
        self.replayer.is_some()
    }

    /// The options of a write. Without an idempotency key its random ids are new every time.
    pub(super) fn call_options(&self, options: &WriteOptions) -> Result<CallOptions, Failure> {
        let salt = self.salt(options.idempotency_key.as_deref())?;
        Ok(CallOptions {
            salt,
            amount: options.amount.clone(),
            max_fee: options.max_fee.clone(),
            ..CallOptions::default()
        })
    }

    /// The source of every random id of a call.
    pub(super) fn salt(&self, idempotency_key: Option<&str>) -> Result<Vec<u8>, Failure> {
        if let Some(key) = idempotency_key {
            return Ok(berth_crypto::hash(HashAlgorithm::Sha256, key.as_bytes()).to_vec());
        }
        if self.is_replay() || self.recorder.is_some() {
            return Err(Failure::usage(
                "a recorded call that is signed must be the same when it is replayed",
            )
            .next("Give it an --idempotency-key, the same one in the recording and in the replay."));
        }
        let mut salt = vec![0; 32];
        SystemRandomness
            .fill(&mut salt)
            .map_err(|error| Failure::host("the call could not be given a salt", &error))?;
        Ok(salt)
    }

    /// Prints an answer: as JSON, or laid out for people.
    pub(super) fn answer(
        &self,
        json: &impl Serialize,
        people: impl FnOnce(&mut Sheet),
    ) -> Result<(), Failure> {
        if self.common.json {
            let document = serde_json::to_string_pretty(json)
                .map_err(|error| Failure::host("the answer could not be written as JSON", &error))?;
            println!("{document}");
        } else {
            let mut sheet = Sheet::default();
            people(&mut sheet);
            print!("{}", sheet.into_text());
        }
        Ok(())
    }

    /// Writes the recording, tells where a replay parted from it, and what the command cost.
    pub(super) fn finish(self, result: Result<(), Failure>) -> Result<(), Failure> {
        let recorded = self.write_recording();
        if self.common.cost {
            eprint!("\n{}", self.cost.table());
        }
        if let Some(parted) = self.replayer.as_deref().and_then(|replayer| parted(&self.descriptor, replayer))
        {
            return Err(parted);
        }
        if self.is_replay() && result.is_ok() {
            eprintln!("berth: the replay made the very calls of the recording, and no others.");
        }
        result.and(recorded)
    }

    fn write_recording(&self) -> Result<(), Failure> {
        let (Some(recorder), Some(path)) = (&self.recorder, &self.common.record) else { return Ok(()) };
        let json = recorder
            .recording()
            .and_then(|recording| recording.to_json())
            .map_err(|error| Failure::host("the recording could not be written", &error))?;
        files::write(path, &json)
    }
}

/// The settings, which must be JSON.
fn settings(common: &Common) -> Result<String, Failure> {
    let text = files::text_or_file(&common.settings)?;
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::usage(format!("the settings are no JSON: {error}"))
            .next("Write them as --settings '{\"name\": value}', or name a file with --settings @FILE.")),
    }
}

fn replayer(path: &Path) -> Result<Arc<Replayer>, Failure> {
    let most = usize::try_from(MAX_RECORDING).unwrap_or(usize::MAX);
    let json = files::read_at_most(path, MAX_RECORDING)?;
    let recording = Recording::from_json(&json, most).map_err(|error| {
        Failure::host(format!("{} cannot be replayed", path.display()), &error)
            .next("Name a file that --record wrote.")
    })?;
    Ok(Replayer::new(recording, None))
}

/// What the options lend.
fn lending(common: &Common, descriptor: &Descriptor) -> Result<Arc<Lending>, Failure> {
    let mut builder = Lending::builder(APPLICATION);
    let mut first = 1;
    if let Some(file) = &common.lend {
        let lent = lend_file::read(file)?;
        first += lent.endpoints.len();
        for endpoint in berth_gateway::endpoints(&lent.endpoints, &lent.secrets, descriptor) {
            let deadline = Duration::from_secs(common.max_time.into());
            builder = builder.endpoint(Endpoint { deadline, ..endpoint });
        }
        for key in lent.secrets.keys().map_err(|problem| Failure::usage(problem.detail))? {
            builder = builder.service_key(key);
        }
    }
    for (place, given) in common.endpoint.iter().enumerate() {
        let need = descriptor.endpoints.iter().find(|need| need.name == given.need);
        // An undeclared name is told by `build`, which knows the declared ones.
        let transport = need.map_or(adapter_spec::types::Transport::Http, |need| need.transport);
        let name = format!("{}-{}", given.need, first + place);
        let endpoint = Endpoint {
            deadline: Duration::from_secs(common.max_time.into()),
            ..Endpoint::new(name, &given.need, transport, &given.url)
        };
        builder = builder.endpoint(endpoint);
    }
    if let Some(folder) = &common.state {
        let state = SledState::open(folder, StateLimits::default()).map_err(|error| {
            Failure::host(format!("the state in {} cannot be used", folder.display()), &error)
                .next("Name a folder of its own that you can write to, and that no other program has open.")
        })?;
        builder = builder.state(Arc::new(state));
    }
    builder.build(descriptor, &Network::new()).map_err(|error| {
        let next = match &error {
            LendingError::Missing { need, .. } => format!("Write it as --endpoint {need}=URL."),
            _ => "Write it as --endpoint NAME=URL, with a name that the adapter declares.".into(),
        };
        Failure::usage(error.to_string()).next(next)
    })
}

/// Where a replay parted from its recording.
fn parted(descriptor: &Descriptor, replayer: &Replayer) -> Option<Failure> {
    let divergences = replayer.divergences().into_iter().map(|one| one.to_string());
    let leftovers = replayer.leftovers().into_iter().map(|one| one.to_string());
    let all: Vec<_> = divergences.chain(leftovers).collect();
    let first = all.first()?;
    let more = match all.len() {
        1 => String::new(),
        several => format!(" (and {} more)", several - 1),
    };
    let why = format!("the adapter \"{}\" did not do what the recording has: {first}{more}", descriptor.name);
    let failure = Failure { kind: Kind::Answered, ..Failure::usage(why) };
    Some(failure.next("Replay with the same component, call, settings, key and --idempotency-key."))
}
