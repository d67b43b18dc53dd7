//! The one trait that a vendor implements.

use adapter_spec::{
    Imports, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Descriptor, Effect, Envelope, Error, Estimate,
        EventFilter, EventPage, EventStart, Finality, Goal, LedgerStatus, Output, Party, PlannedCall, Proof,
        PublicKey, Receipt, SendFailure, Signature, Step, StoreAnswer, StoreOperation,
    },
};

/// An adapter of one framework: a pure translator between the standard's calls and the framework's bytes.
///
/// `Self` is one application's view of one ledger, made from its settings by [`open`](Self::open). It must keep
/// nothing between calls that matters: instances come and go, several may serve one application at once, and what
/// must last belongs into [`Imports::state_get`] and [`Imports::state_swap`].
///
/// Everything outside is reached through `host`, and only during a call. As a component the host's functions return
/// when they are done, so `.await` costs nothing; as a native plug-in they are real futures. Do not await anything
/// else.
///
/// A function that is not implemented answers `unsupported`, and that is what the standard asks of a function whose
/// capability the descriptor does not name.
#[async_trait]
pub trait FrameworkAdapter: Sized + Send + Sync + 'static {
    /// What the adapter says of itself; [`descriptor`] has a start. The same every time.
    fn describe() -> Descriptor;

    /// One application's ledger. `settings` is JSON after the descriptor's schema.
    fn open(settings: &str) -> Result<Self, Error>;

    /// Where the ledger stands, as the node sees it.
    async fn status(&self, _host: &dyn Imports) -> Result<LedgerStatus, Error> {
        Err(Error::unsupported("status"))
    }

    /// The accounts that this key has on the ledger.
    async fn accounts(&self, _host: &dyn Imports, _key: PublicKey) -> Result<Vec<String>, Error> {
        Err(Error::unsupported("accounts"))
    }

    /// Starts a call. A read ends here with [`Step::Answer`]; a write asks for signatures with [`Step::Sign`], and
    /// puts into the continuation whatever [`resume`](Self::resume) will need.
    async fn begin(
        &self,
        _host: &dyn Imports,
        _call: Call,
        _parties: Vec<Party>,
        _options: CallOptions,
    ) -> Result<Step, Error> {
        Err(Error::unsupported("begin"))
    }

    /// Goes on with the signatures that were asked for, in the order they were asked for. Check each of them: they
    /// come from outside. Ends with [`Step::Send`]; nothing may be sent here.
    async fn resume(
        &self,
        _host: &dyn Imports,
        _continuation: Vec<u8>,
        _signatures: Vec<Signature>,
    ) -> Result<Step, Error> {
        Err(Error::unsupported("resume"))
    }

    /// Gives up a call that will not be resumed. An adapter that reserves nothing leaves this as it is.
    async fn abandon(&self, _host: &dyn Imports, _continuation: Vec<u8>) -> Result<(), Error> {
        Ok(())
    }

    /// Sends a transaction; here alone endpoint methods that do more than read are reachable. Sending the same
    /// envelope again is harmless: "already known" is success.
    async fn send(&self, _host: &dyn Imports, _envelope: Envelope) -> Result<(), SendFailure> {
        Err(SendFailure { error: Error::unsupported("send"), effect: Effect::Never })
    }

    /// Starts a transaction that can only take effect instead of the original, never beside it; capability `replace`.
    async fn replace(
        &self,
        _host: &dyn Imports,
        _original: Envelope,
        _parties: Vec<Party>,
        _options: CallOptions,
    ) -> Result<Step, Error> {
        Err(Error::unsupported("replace"))
    }

    /// What became of a transaction. `tracking` is its envelope's.
    async fn receipt(
        &self,
        _host: &dyn Imports,
        _transaction: String,
        _tracking: Vec<u8>,
    ) -> Result<Receipt, Error> {
        Err(Error::unsupported("receipt"))
    }

    /// What a call would cost; capability `estimate`.
    async fn estimate(
        &self,
        _host: &dyn Imports,
        _call: Call,
        _parties: Vec<Party>,
        _options: CallOptions,
    ) -> Result<Estimate, Error> {
        Err(Error::unsupported("estimate"))
    }

    /// The calls, in order, that reach a goal; capability `plan`.
    async fn plan(&self, _host: &dyn Imports, _goal: Goal) -> Result<Vec<PlannedCall>, Error> {
        Err(Error::unsupported("plan"))
    }

    /// The contract's interface description, where the ledger knows it; capability `contract-abi`.
    async fn contract_abi(&self, _host: &dyn Imports, _contract: String) -> Result<Option<String>, Error> {
        Err(Error::unsupported("contract-abi"))
    }

    /// A block; interface `blocks`.
    async fn block(&self, _host: &dyn Imports, _selector: BlockSelector) -> Result<Block, Error> {
        Err(Error::unsupported("blocks"))
    }

    /// Some events; interface `events`. At most `limit` of them with at most `max_bytes` bytes of payload together;
    /// at least one, where there is one.
    async fn events(
        &self,
        _host: &dyn Imports,
        _filter: EventFilter,
        _start: EventStart,
        _limit: u32,
        _max_bytes: u32,
    ) -> Result<EventPage, Error> {
        Err(Error::unsupported("events"))
    }

    /// The call that carries a store operation out on the preset contract at `contract`; interface `store`.
    async fn to_call(
        &self,
        _host: &dyn Imports,
        _contract: String,
        _operation: StoreOperation,
    ) -> Result<Call, Error> {
        Err(Error::unsupported("store"))
    }

    /// What the outcome of that call means; interface `store`.
    #[expect(clippy::wrong_self_convention, reason = "the standard's name for it")]
    async fn from_outcome(
        &self,
        _host: &dyn Imports,
        _operation: StoreOperation,
        _outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, Error> {
        Err(Error::unsupported("store"))
    }

    /// A proof of a claim; interface `proofs`.
    async fn prove(&self, _host: &dyn Imports, _claim: Claim) -> Result<Proof, Error> {
        Err(Error::unsupported("proofs"))
    }

    /// Verifies a proof against an anchor that the verifier trusts, with no endpoint; interface `proofs`.
    async fn verify(_host: &dyn Imports, _anchor: Vec<u8>, _proof: Proof) -> Result<(), Error> {
        Err(Error::unsupported("proofs"))
    }
}

/// A descriptor to start from: no endpoints, keys or capabilities, settings that are an empty object, payloads up to
/// 1 MiB, immediate finality, permissioned.
#[must_use]
pub fn descriptor(name: &str, version: &str, framework: &str) -> Descriptor {
    Descriptor {
        name: name.into(),
        version: version.into(),
        framework: framework.into(),
        framework_versions: Vec::new(),
        permissioned: true,
        schemes: Vec::new(),
        signs_digests: None,
        finality: Finality::Immediate,
        ordered_accounts: false,
        endpoints: Vec::new(),
        service_keys: Vec::new(),
        settings_schema: r#"{"type":"object","additionalProperties":false}"#.into(),
        max_payload: 1 << 20,
        capabilities: Vec::new(),
        extensions: Vec::new(),
    }
}
