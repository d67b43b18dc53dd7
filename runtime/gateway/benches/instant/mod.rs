//! A ledger that takes no time: what is left is what the gateway itself costs.

use adapter_sdk::{FrameworkAdapter, Imports, async_trait, descriptor, types::*};

/// Takes every write at once, and every one is final at once.
pub struct Instantly;

adapter_sdk::export!(Instantly);

#[async_trait]
impl FrameworkAdapter for Instantly {
    fn describe() -> Descriptor {
        let schemes = vec![SignatureScheme::EcdsaP256Sha256, SignatureScheme::Sm2Sm3];
        Descriptor { schemes, ..descriptor("instant", "0.1.0", "instant") }
    }

    fn open(_settings: &str) -> Result<Self, Error> {
        Ok(Instantly)
    }

    async fn begin(
        &self,
        _: &dyn Imports,
        call: Call,
        by: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, Error> {
        let (Call::Invoke(call), Some(key)) = (call, by.into_iter().flat_map(|party| party.keys).next())
        else {
            return Err(Error::unsupported("this kind of call, or one without a key"));
        };
        let signed = [call.function.as_bytes(), options.salt.as_slice()].concat();
        Ok(Step::Sign(SignRequest {
            items: vec![SignItem { key, input: SigningInput::Message(signed.clone()) }],
            continuation: signed,
            valid_until: Validity::Unbounded,
            max_fee: None,
            summary: "write".into(),
        }))
    }

    async fn resume(
        &self,
        host: &dyn Imports,
        mut bytes: Vec<u8>,
        by: Vec<Signature>,
    ) -> Result<Step, Error> {
        bytes.extend(by.into_iter().flat_map(|signature| signature.bytes));
        let id = host.hash(HashAlgorithm::Sha256, &bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let (valid_until, tracking) = (Validity::Unbounded, Vec::new());
        Ok(Step::Send(Envelope { transaction: id, bytes, valid_until, tracking }))
    }

    async fn send(&self, _: &dyn Imports, _: Envelope) -> Result<(), SendFailure> {
        Ok(())
    }

    async fn receipt(&self, _: &dyn Imports, transaction: String, _: Vec<u8>) -> Result<Receipt, Error> {
        Ok(Receipt {
            transaction,
            inclusion: Inclusion::Final,
            block: Some(BlockRef { number: 1, hash: vec![1; 32] }),
            index: Some(0),
            outcome: Some(Ok(Output { raw: Vec::new(), json: None })),
            created: None,
            events: Vec::new(),
            fee: None,
            extensions: Vec::new(),
        })
    }
}
