//! The types of the standard's functions, as a loaded component must have them.

use adapter_spec::{
    Ended, Function,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Descriptor, Envelope, Error, Estimate, EventFilter,
        EventPage, EventStart, Goal, LedgerStatus, Output, Party, PlannedCall, Proof, PublicKey, Receipt,
        SendFailure, Signature, Step, StoreAnswer, StoreOperation,
    },
};
use wasmtime::component::ResourceAny;

use crate::{exports::Exports, instance::ComponentInstance};

/// A ledger, owned or borrowed: the host handles both alike.
type Ledger = ResourceAny;

/// Checks the types of every function that is exported, so that a component of other types is refused when it is
/// loaded and not when it is first called.
pub(crate) fn check(instance: &mut ComponentInstance, exports: &Exports) -> Result<(), Ended> {
    macro_rules! check {
        ($($function:ident($($parameter:ty),*) -> $result:ty;)*) => {
            $(if exports.index(Function::$function).is_some() {
                instance.typed::<($($parameter,)*), ($result,)>(exports, Function::$function)?;
            })*
        };
    }
    check! {
        Describe() -> Descriptor;
        Open(String) -> Result<Ledger, Error>;
        Status(Ledger) -> Result<LedgerStatus, Error>;
        Accounts(Ledger, PublicKey) -> Result<Vec<String>, Error>;
        Begin(Ledger, Call, Vec<Party>, CallOptions) -> Result<Step, Error>;
        Resume(Ledger, Vec<u8>, Vec<Signature>) -> Result<Step, Error>;
        Abandon(Ledger, Vec<u8>) -> Result<(), Error>;
        Send(Ledger, Envelope) -> Result<(), SendFailure>;
        Replace(Ledger, Envelope, Vec<Party>, CallOptions) -> Result<Step, Error>;
        Receipt(Ledger, String, Vec<u8>) -> Result<Receipt, Error>;
        Estimate(Ledger, Call, Vec<Party>, CallOptions) -> Result<Estimate, Error>;
        Plan(Ledger, Goal) -> Result<Vec<PlannedCall>, Error>;
        ContractAbi(Ledger, String) -> Result<Option<String>, Error>;
        Block(Ledger, BlockSelector) -> Result<Block, Error>;
        Events(Ledger, EventFilter, EventStart, u32, u32) -> Result<EventPage, Error>;
        ToCall(Ledger, String, StoreOperation) -> Result<Call, Error>;
        FromOutcome(Ledger, StoreOperation, Result<Output, Error>) -> Result<StoreAnswer, Error>;
        Prove(Ledger, Claim) -> Result<Proof, Error>;
        Verify(Vec<u8>, Proof) -> Result<(), Error>;
    }
    Ok(())
}
