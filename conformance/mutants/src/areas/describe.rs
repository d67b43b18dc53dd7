//! DESC: describe, settings, open, and FORM.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use adapter_spec::{
    CallError, Function, Interfaces, Lender, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Descriptor, Error, ErrorCode, Extension, Finality,
        LedgerStatus, Output, Party, Receipt, SignatureScheme, Step,
        transport::{Failure, JsonRpcFailure, JsonRpcRequest},
    },
};

use crate::{
    Honest, Mutant, Mutation,
    change_begin::refusing,
    change_descriptor::described,
    change_sight::{Sight, seeing},
};

pub(super) fn mutants() -> Vec<Mutant> {
    let describes = |clause, name, says, fault| Mutant::new(clause, name, says, fault);
    let imports = |clause, name, says, foreign_imports| Mutant {
        foreign_imports,
        ..Mutant::new(clause, name, says, || Box::new(Honestly))
    };
    vec![
        describes("DESC-1", "another-limit-each-time", "max_payload differ", || {
            Box::new(Restless(AtomicU32::new(0)))
        }),
        describes("DESC-2", "a-name-with-capitals", "lower-case letters", || {
            described(|descriptor| descriptor.name = "Model Ledger".into())
        }),
        describes("DESC-2", "a-version-of-two-numbers", "a semantic version", || {
            described(|descriptor| descriptor.version = "1.0".into())
        }),
        describes("DESC-2", "made-for-no-version", "at least one version", || {
            described(|descriptor| descriptor.framework_versions.clear())
        }),
        describes("DESC-3", "a-schema-with-a-wrong-type", "it is no JSON Schema", || {
            described(|descriptor| {
                descriptor.settings_schema =
                    descriptor.settings_schema.replace("integer", "number of blocks");
            })
        }),
        describes("DESC-3", "a-schema-that-refers-to-the-web", "no reference that leads out", || {
            described(|descriptor| {
                descriptor.settings_schema = "{\"type\": \"object\", \"properties\": {\"chain\": {\"$ref\": \
                                              \"https://example.org/names.json\"}}}"
                    .into();
            })
        }),
        describes("DESC-3", "an-older-draft", "$schema", || {
            described(|descriptor| {
                descriptor.settings_schema = descriptor.settings_schema.replace("2020-12", "2019-09");
            })
        }),
        describes("DESC-4", "unknown-settings-are-dropped", "it opens with them", || Box::new(Lenient)),
        describes("DESC-4", "a-message-that-says-nothing", "names nothing of it", || {
            Box::new(Terse(ErrorCode::InvalidArgument))
        }),
        describes("DESC-4", "wrong-settings-are-an-own-fault", "internal: wrong settings", || {
            Box::new(Terse(ErrorCode::Internal))
        }),
        describes("DESC-5", "opening-asks-the-node", "open asks for JsonRpc", || Box::new(AsksAtOpening)),
        describes("DESC-5", "no-opening-without-a-node", "whatever the state of the node", || {
            Box::new(AsksAtOpening)
        }),
        describes("DESC-5", "a-setting-of-the-schema-is-refused", "open takes settings that fit", || {
            Box::new(Narrow)
        }),
        describes("DESC-6", "undeclared-estimates", "estimate is not declared", || {
            described(|descriptor| descriptor.capabilities.retain(|name| name != "estimate"))
        }),
        describes("DESC-6", "success-of-what-it-never-heard-of", "a native call of an unknown name", || {
            refusing(|call, error| match call {
                Call::Native(_) if error.code == ErrorCode::Unsupported => {
                    Ok(Step::Answer(Output { raw: Vec::new(), json: None }))
                }
                _ => Err(error),
            })
        }),
        describes("DESC-7", "declared-and-not-made", "contract-abi is declared and works", || {
            Box::new(NoAbi)
        }),
        describes("DESC-8", "no-status", "status answers", || Box::new(NoStatus)),
        describes("DESC-8", "no-abandon", "abandon answers", || Box::new(NoAbandon)),
        describes("DESC-9", "exported-and-not-made", "blocks is exported and works", || Box::new(NoBlocks)),
        describes("DESC-9", "made-and-not-exported", "blocks is not declared", || Box::new(HidesBlocks)),
        describes("DESC-10", "another-name-is-asked-for", "which is not declared", || {
            described(|descriptor| descriptor.endpoints.iter_mut().for_each(|need| need.name = "peer".into()))
        }),
        describes("DESC-10", "required-and-called-optional", "declared as not required", || {
            described(|descriptor| descriptor.endpoints.iter_mut().for_each(|need| need.required = false))
        }),
        describes("DESC-11", "one-endpoint-is-too-few", "it works with one endpoint", || {
            seeing(Sight { lent_as: |lent| if lent.len() > 1 { lent } else { Vec::new() }, ..Sight::CLEAR })
        }),
        describes("DESC-11", "the-last-endpoint", "the first endpoint is used", || Box::new(UsesTheLast)),
        describes("DESC-12", "a-read-that-submits", "submits transactions", || {
            described(|descriptor| {
                descriptor.endpoints.iter_mut().for_each(|need| need.reads.push("ledger_sub*".into()));
            })
        }),
        describes("DESC-12", "everything-is-a-read", "not every method", || {
            described(|descriptor| {
                descriptor.endpoints.iter_mut().for_each(|need| need.reads = vec!["*".into()]);
            })
        }),
        describes("DESC-12", "what-submits-is-called-a-read", "by declared reads alone", || {
            described(|descriptor| {
                descriptor.endpoints.iter_mut().for_each(|need| need.reads.push("ledger_submit".into()));
            })
        }),
        describes("DESC-13", "a-scheme-too-many", "declared scheme EcdsaSecp256k1Sha256Canonical", || {
            described(|descriptor| {
                descriptor.schemes.push(SignatureScheme::EcdsaSecp256k1Sha256Canonical);
            })
        }),
        describes("DESC-13", "a-scheme-too-few", "undeclared scheme EcdsaP256Sha256", || {
            described(|descriptor| {
                descriptor.schemes.retain(|scheme| *scheme != SignatureScheme::EcdsaP256Sha256);
            })
        }),
        describes("DESC-14", "immediate-where-blocks-are-dropped", "the test bed drops blocks", || {
            described(|descriptor| descriptor.finality = Finality::Immediate)
        }),
        describes("DESC-14", "a-depth-of-nothing", "a depth of 0", || {
            described(|descriptor| descriptor.finality = Finality::Depth(0))
        }),
        describes("DESC-15", "open-to-all", "admits its participants", || {
            described(|descriptor| descriptor.permissioned = false)
        }),
        describes("DESC-16", "stumbles-over-extensions", "with unknown extensions", || Box::new(Stumbles)),
        describes("DESC-16", "extensions-without-a-prefix", "has the key \"units\"", || Box::new(Bare)),
        describes("DESC-17", "no-purpose", "the purpose of", || {
            described(|descriptor| descriptor.endpoints.iter_mut().for_each(|need| need.purpose.clear()))
        }),
        imports("FORM-1", "an-import-of-its-own", "vendor:tools/http", &["vendor:tools/http@1.0.0"]),
        imports("FORM-2", "reads-the-clock-of-wasi", "wasi:clocks", &["wasi:clocks/wall-clock@0.2.3"]),
        imports("FORM-3", "made-for-another-version", "@0.2.0", &["bsn:framework/state@0.2.0"]),
        imports("FORM-3", "an-interface-that-is-not-there", "sockets", &["bsn:framework/sockets@0.1.0"]),
    ]
}

/// Changes nothing.
struct Honestly;

impl Mutation for Honestly {}

/// Another limit at each look.
struct Restless(AtomicU32);

impl Mutation for Restless {
    fn describe(&self, honest: Descriptor) -> Descriptor {
        let looks = self.0.fetch_add(1, Ordering::Relaxed);
        Descriptor { max_payload: honest.max_payload.saturating_add(looks), ..honest }
    }
}

/// Takes of settings what it knows.
struct Lenient;

impl Mutation for Lenient {
    fn refused(&self, settings: &str, error: CallError) -> Result<String, CallError> {
        let given: Option<serde_json::Value> = serde_json::from_str(settings).ok();
        match given.as_ref().and_then(|given| given.get("chain")?.as_str()) {
            Some(chain) => Ok(serde_json::json!({ "chain": chain }).to_string()),
            None => Err(error),
        }
    }
}

/// Says no more than that something is wrong.
struct Terse(ErrorCode);

impl Mutation for Terse {
    fn refused(&self, _settings: &str, _error: CallError) -> Result<String, CallError> {
        Err(CallError::Answered(Error::new(self.0, "wrong settings")))
    }
}

/// Looks whether the node is there before it opens.
struct AsksAtOpening;

#[async_trait]
impl Mutation for AsksAtOpening {
    async fn open(&self, lender: &Arc<dyn Lender>, settings: &str) -> Result<String, CallError> {
        let imports = lender.imports(Function::Open);
        if let Some(lent) = imports.lent_as("node").into_iter().next() {
            let request = JsonRpcRequest {
                endpoint: lent.endpoint,
                method: "ledger_status".into(),
                params: "{\"space\": \"main\"}".into(),
                sensitive: false,
            };
            let answers = imports.json_rpc(vec![request]).await;
            // A host lends nothing at opening, and such an adapter was tried with another one.
            if let Some(Err(JsonRpcFailure::Transport(failure @ Failure::Unreachable(_)))) =
                answers.into_iter().next()
            {
                return Err(CallError::Answered(failure.into()));
            }
        }
        Ok(settings.to_owned())
    }
}

/// Never heard of one of its own settings.
struct Narrow;

#[async_trait]
impl Mutation for Narrow {
    async fn open(&self, _lender: &Arc<dyn Lender>, settings: &str) -> Result<String, CallError> {
        if settings.contains("lease_seconds") {
            let error = Error::new(ErrorCode::InvalidArgument, "settings: `lease_seconds` is no setting");
            return Err(CallError::Answered(error));
        }
        Ok(settings.to_owned())
    }
}

fn unsupported<T>(operation: &str) -> Result<T, CallError> {
    Err(CallError::Answered(Error::unsupported(operation)))
}

struct NoAbi;

#[async_trait]
impl Mutation for NoAbi {
    async fn contract_abi(&self, _honest: &Honest, _contract: &str) -> Result<Option<String>, CallError> {
        unsupported("contract-abi")
    }
}

struct NoStatus;

#[async_trait]
impl Mutation for NoStatus {
    async fn status(&self, _honest: &Honest) -> Result<LedgerStatus, CallError> {
        unsupported("status")
    }
}

struct NoAbandon;

#[async_trait]
impl Mutation for NoAbandon {
    async fn abandon(&self, _honest: &Honest, _continuation: Vec<u8>) -> Result<(), CallError> {
        unsupported("abandon")
    }
}

struct NoBlocks;

#[async_trait]
impl Mutation for NoBlocks {
    async fn block(&self, _honest: &Honest, _selector: BlockSelector) -> Result<Block, CallError> {
        unsupported("blocks")
    }
}

struct HidesBlocks;

impl Mutation for HidesBlocks {
    fn interfaces(&self, honest: Interfaces) -> Interfaces {
        Interfaces { blocks: false, ..honest }
    }
}

/// Wants one endpoint, and takes the last one.
struct UsesTheLast;

impl Mutation for UsesTheLast {
    fn describe(&self, mut honest: Descriptor) -> Descriptor {
        honest.endpoints.iter_mut().for_each(|need| need.many = false);
        honest
    }

    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        let last_first = |mut lent: Vec<_>| {
            lent.reverse();
            lent
        };
        seeing(Sight { lent_as: last_first, ..Sight::CLEAR }).lend(lender)
    }
}

/// Takes no extension that it does not know.
struct Stumbles;

#[async_trait]
impl Mutation for Stumbles {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        if let Some(Extension { key, .. }) = options.extensions.first() {
            let error = Error::new(ErrorCode::InvalidArgument, format!("what is {key}?"));
            return Err(CallError::Answered(error));
        }
        honest.ledger.begin(call, parties, options).await
    }
}

/// Names its extensions as nobody else would.
struct Bare;

#[async_trait]
impl Mutation for Bare {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let mut receipt = honest.ledger.receipt(transaction, tracking).await?;
        receipt.extensions.push(Extension { key: "units".into(), value: Vec::new() });
        Ok(receipt)
    }
}
