//! CALL: calls, arguments, reading, plans.

mod faults;
mod remembered;

use adapter_spec::{
    Function,
    types::{Call, CallOptions, ContractCall, ErrorCode, Output, Step, Value},
};

use crate::{
    Mutant,
    change_begin::{beginning, refusing},
    change_descriptor::described,
    change_sight::{Sight, seeing},
};
use faults::{
    Answers, AsksFirst, Empties, Estimates, LogsSecrets, Padded, Plans, Renames, SendsReads, ShowsSecrets,
    Silence, SkipsTrials, Statuses, Without,
};
use remembered::{Again, Forgets, KnowsItsOwn, LastParties, Sessions, Stale};

fn nothing() -> Output {
    Output { raw: Vec::new(), json: None }
}

fn text_of(call: &mut ContractCall) -> Option<&mut String> {
    match call.arguments.as_mut_slice() {
        [Value::Text(text)] => Some(text),
        _ => None,
    }
}

pub(super) fn mutants() -> Vec<Mutant> {
    let mut mutants = of_arguments();
    mutants.extend(of_options());
    mutants.extend(of_the_way());
    mutants.extend(of_the_rest());
    mutants
}

fn of_arguments() -> Vec<Mutant> {
    vec![
        Mutant::new("CALL-1", "a-write-that-is-done-at-once", "invoke ends in send", || Box::new(Answers)),
        Mutant::new("CALL-1", "a-read-that-is-sent", "evaluate never ends in send", || {
            Box::new(SendsReads(false))
        }),
        Mutant::new("CALL-2", "a-read-that-writes", "evaluate changes nothing", || {
            Box::new(SendsReads(true))
        }),
        Mutant::new("CALL-3", "texts-are-trimmed", "echo-text gives back", || {
            beginning(|begun| {
                if let Some(text) = begun.function().and_then(text_of) {
                    *text = text.trim().to_owned();
                }
            })
        }),
        Mutant::new(
            "CALL-3",
            "integers-through-doubles",
            "echo-integer gives back Integer(\"9007199254740993\")",
            || {
                beginning(|begun| {
                    let echo = begun.function().filter(|call| call.function.starts_with("echo"));
                    if let Some([Value::Integer(number)]) = echo.map(|call| call.arguments.as_mut_slice()) {
                        let rounded = number.parse::<f64>().unwrap_or_default();
                        *number = format!("{rounded:.0}");
                    }
                })
            },
        ),
        Mutant::new("CALL-3", "bytes-end-at-a-zero", "echo-bytes", || {
            beginning(|begun| {
                if let Some([Value::Bytes(bytes)]) =
                    begun.function().map(|call| call.arguments.as_mut_slice())
                {
                    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                    bytes.truncate(end);
                }
            })
        }),
        Mutant::new("CALL-3", "everything-is-true", "echo-boolean", || {
            beginning(|begun| {
                if let Some([Value::Boolean(boolean)]) =
                    begun.function().map(|call| call.arguments.as_mut_slice())
                {
                    *boolean = true;
                }
            })
        }),
        Mutant::new("CALL-3", "lists-lose-what-is-empty", "echo-json", || {
            beginning(|begun| {
                if let Some([Value::Json(json)]) = begun.function().map(|call| call.arguments.as_mut_slice())
                {
                    *json = json.replace("[],", "");
                }
            })
        }),
        Mutant::new("CALL-3", "sixty-four-bits", "the largest integer", || {
            beginning(|begun| {
                let add = begun.function().filter(|call| call.function.starts_with("add"));
                if let Some([Value::Integer(number)]) = add.map(|call| call.arguments.as_mut_slice()) {
                    let whole = number.parse::<i128>().unwrap_or_default();
                    *number = whole.rem_euclid(1 << 63).to_string();
                }
            })
        }),
        Mutant::new("CALL-4", "arguments-too-many-are-dropped", "arguments that do not fit", || {
            beginning(|begun| {
                if let Some(call) = begun.function().filter(|call| call.function.starts_with("add")) {
                    call.arguments.truncate(1);
                }
            })
        }),
        Mutant::new("CALL-4", "amounts-wrap", "arguments that do not fit", || {
            beginning(|begun| {
                let add = begun.function().filter(|call| call.function.starts_with("add"));
                if let Some([Value::Integer(number)]) = add.map(|call| call.arguments.as_mut_slice())
                    && number.bytes().all(|byte| byte.is_ascii_digit())
                    && number.parse::<i128>().is_err()
                {
                    *number = "0".into();
                }
            })
        }),
        Mutant::new("CALL-5", "types-are-guessed", "its types are guessed", || {
            beginning(|begun| {
                if let Some(call) = begun.function()
                    && call.abi.is_none()
                    && !call.function.contains('(')
                {
                    let types: Vec<_> = call
                        .arguments
                        .iter()
                        .map(|argument| match argument {
                            Value::Text(_) => "text",
                            Value::Bytes(_) => "bytes",
                            Value::Integer(_) => "integer",
                            Value::Boolean(_) => "boolean",
                            Value::Json(_) => "json",
                        })
                        .collect();
                    call.function = format!("{}({})", call.function, types.join(","));
                }
            })
        }),
        Mutant::new("CALL-6", "what-is-missing-is-an-own-fault", "internal", || {
            refusing(|_, mut error| {
                if error.code == ErrorCode::NotFound {
                    error.code = ErrorCode::Internal;
                }
                Err(error)
            })
        }),
        Mutant::new("CALL-6", "what-is-missing-is-empty", "success", || {
            refusing(|call, error| match call {
                Call::Evaluate(_) if error.code == ErrorCode::NotFound => Ok(Step::Answer(nothing())),
                _ => Err(error),
            })
        }),
        Mutant::new("CALL-7", "a-limit-that-is-none", "it goes on", || {
            described(|descriptor| descriptor.max_payload /= 2)
        }),
        Mutant::new("CALL-7", "a-lower-limit-than-declared", "for its size", || {
            described(|descriptor| descriptor.max_payload *= 2)
        }),
        Mutant::new("CALL-7", "asks-before-it-looks", "it asks first", || Box::new(AsksFirst)),
        Mutant::new("CALL-8", "logs-private-arguments", "in the log in clear", || Box::new(LogsSecrets)),
        Mutant::new("CALL-8", "shows-private-arguments", "in the summary in clear", || {
            Box::new(ShowsSecrets)
        }),
    ]
}

fn of_options() -> Vec<Mutant> {
    vec![
        Mutant::new("CALL-9", "an-amount-that-is-no-number-is-none", "an amount of \"\"", || {
            beginning(|begun| begun.options.amount = begun.options.amount.take().filter(|text| decimal(text)))
        }),
        Mutant::new("CALL-9", "a-max-fee-that-is-no-number-is-none", "a max-fee of \"\"", || {
            beginning(|begun| {
                begun.options.max_fee = begun.options.max_fee.take().filter(|text| decimal(text))
            })
        }),
        Mutant::new("CALL-9", "amounts-are-ignored", "changes nothing of what is signed", || {
            beginning(|begun| {
                begun.options.amount = begun.options.amount.take().filter(|text| !decimal(text));
            })
        }),
        Mutant::new("CALL-9", "at-is-ignored", "at is ignored", || {
            beginning(|begun| begun.options.at = None)
        }),
        Mutant::new("CALL-10", "max-fee-is-ignored", "answers underpriced", || {
            beginning(|begun| begun.options.max_fee = None)
        }),
        Mutant::new("CALL-11", "reads-the-newest", "as it was then", || {
            beginning(|begun| begun.options.at = None)
        }),
        Mutant::new("CALL-11", "the-future-is-now", "answers out-of-range", || {
            Box::new(Empties(|options: &CallOptions, error| {
                options.at.is_some() && error.code == ErrorCode::OutOfRange
            }))
        }),
        Mutant::new("CALL-11", "what-was-dropped-is-empty", "has dropped answers pruned", || {
            Box::new(Empties(|options: &CallOptions, error| {
                options.at.is_some() && error.code == ErrorCode::Pruned
            }))
        }),
        Mutant::new("CALL-11", "another-block-than-asked-for", "answers not-found", || {
            Box::new(Empties(|options: &CallOptions, error| {
                options.at.is_some() && error.code == ErrorCode::NotFound
            }))
        }),
        Mutant::new("CALL-12", "integers-as-json-numbers", "is a JSON number", || {
            Box::new(Without(|output| {
                let number = output.json.as_ref().and_then(|json| serde_json::from_str::<String>(json).ok());
                if let Some(number) = number.filter(|number| decimal(number)) {
                    output.json = Some(number);
                }
            }))
        }),
        Mutant::new("CALL-12", "json-that-is-none", "output.json is valid JSON", || {
            Box::new(Without(|output| {
                if let Some(json) = &mut output.json {
                    *json = json.replace('"', "'");
                }
            }))
        }),
        Mutant::new("CALL-12", "raw-is-made-up", "no answer of a node has the bytes", || {
            Box::new(Without(|output| {
                output.raw = output.json.clone().unwrap_or_default().repeat(2).into_bytes();
            }))
        }),
    ]
}

fn decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn of_the_way() -> Vec<Mutant> {
    vec![
        Mutant::new("CALL-13", "sessions-in-memory", "in an instance that did not begin the call", || {
            Box::new(Sessions::default())
        }),
        Mutant::new(
            "CALL-14",
            "a-broken-continuation-is-an-own-fault",
            "resume answers invalid-argument to",
            || Box::new(Forgets),
        ),
        Mutant::new("CALL-14", "never-too-late", "answers expired to a continuation", || {
            seeing(Sight {
                now: |function, now| if function == Function::Resume { 0 } else { now },
                ..Sight::CLEAR
            })
        }),
        Mutant::new("CALL-15", "asks-again-and-again", "once more", || Box::new(Again::default())),
        Mutant::new("CALL-16", "a-large-continuation", "at most 64 KiB", || Box::new(Padded)),
        Mutant::new("CALL-17", "lets-sign-what-must-fail", "begin goes on with what must fail", || {
            Box::new(SkipsTrials)
        }),
        Mutant::new("CALL-18", "somebody-will-be-the-party", "a write without a party", || {
            Box::new(LastParties::default())
        }),
        Mutant::new("CALL-18", "the-account-is-ignored", "permission-denied to an account", || {
            beginning(|begun| begun.parties.iter_mut().for_each(|party| party.account = None))
        }),
    ]
}

fn of_the_rest() -> Vec<Mutant> {
    vec![
        Mutant::new("CALL-19", "final-above-the-head", "not above the head", || {
            Box::new(Statuses(|status| status.finalized.number = status.head.number + 1))
        }),
        Mutant::new("CALL-19", "an-old-head", "a head of at least", || Box::new(Stale::default())),
        Mutant::new("CALL-19", "another-hash", "the head's own hash", || {
            Box::new(Statuses(|status| status.head.hash = vec![1; status.head.hash.len()]))
        }),
        Mutant::new("CALL-20", "a-fee-in-hexadecimal", "fee is a decimal number", || {
            Box::new(Estimates::new(|estimate| {
                let number = |text: &String| text.parse::<u128>().unwrap_or_default();
                estimate.fee = estimate.fee.as_ref().map(|fee| format!("{:#x}", number(fee)));
            }))
        }),
        Mutant::new("CALL-20", "an-estimate-that-reserves", "it reserves something", || {
            Box::new(Estimates { begins: true, change: |_| {} })
        }),
        Mutant::new("CALL-21", "a-frightening-estimate", "at most twice that", || {
            Box::new(Estimates::new(|estimate| {
                if let Some(fee) = &mut estimate.fee {
                    fee.push('0');
                }
            }))
        }),
        Mutant::new("CALL-22", "an-empty-plan", "the plan is empty", || Box::new(Plans { is_empty: true })),
        Mutant::new("CALL-22", "a-plan-for-what-is-there", "which is there already", || {
            Box::new(Plans { is_empty: false })
        }),
        Mutant::new("CALL-23", "silence-about-a-contract", "not-found for an unknown contract", || {
            Box::new(Silence)
        }),
        Mutant::new("CALL-24", "a-name-told-once", "it names nothing", || Box::new(KnowsItsOwn::default())),
        Mutant::new("CALL-24", "a-name-that-leads-nowhere", "can be called as", || Box::new(Renames)),
        Mutant::new("CALL-25", "native-calls-unchecked", "JSON that does not fit", || {
            refusing(|call, error| match call {
                Call::Native(_) if error.code == ErrorCode::InvalidArgument => Ok(Step::Answer(nothing())),
                _ => Err(error),
            })
        }),
        Mutant::new("CALL-26", "unordered-by-its-own-word", "ordered-accounts is false", || {
            described(|descriptor| descriptor.ordered_accounts = false)
        }),
    ]
}
