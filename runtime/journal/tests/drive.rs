//! One call from begin to its receipt, and what a restart left open.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use adapter_spec::{
    async_trait,
    types::{ErrorCode, Inclusion, Party, SignRequest, Signature, Validity},
};
use berth_journal::{
    DriveError, Journal, JournalError, MemoryStore, Outcome, Settlement, Signer, SignerError, State, Task,
    Trouble, Work, carry_out, follow, recover,
};
use support::{APPLICATION, Counted, Node, Signatures, ToyLedger, block_on, key, work};

struct Host {
    journal: Journal,
    sources: Arc<Counted>,
    ledger: ToyLedger,
    signatures: Signatures,
}

impl Host {
    fn new(script: &[Node]) -> Self {
        let sources = Arc::new(Counted::default());
        let journal =
            Journal::with(Arc::new(MemoryStore::new()), Arc::clone(&sources) as _, Duration::from_secs(1));
        Host { journal, sources, ledger: ToyLedger::with(script), signatures: Signatures::default() }
    }

    async fn carry_out(&self, work: Work) -> Result<Outcome, DriveError> {
        carry_out(&self.journal, &self.ledger, work, &self.signatures.signer(), || {}).await
    }

    async fn settled(&self, work: Work) -> Settlement {
        match self.carry_out(work).await.unwrap() {
            Outcome::Settled { settlement, .. } => settlement,
            other => panic!("{other:?}"),
        }
    }

    async fn under_way(&self, work: Work) -> (Option<Inclusion>, Option<Trouble>) {
        match self.carry_out(work).await.unwrap() {
            Outcome::UnderWay { receipt, trouble, .. } => (receipt.map(|receipt| receipt.inclusion), trouble),
            other => panic!("{other:?}"),
        }
    }

    async fn state(&self, name: &str) -> State {
        self.journal.entry(&key(name)).await.unwrap().unwrap().state
    }

    fn sent(&self) -> usize {
        self.ledger.lock().sent.len()
    }
}

#[test]
fn a_call_is_signed_sent_and_settled_and_the_same_work_again_changes_nothing() {
    block_on(async {
        let host = Host::new(&[]);
        host.ledger.lock().rounds = 15;
        let Outcome::Settled { transaction, settlement, receipt } =
            host.carry_out(work("k", "1")).await.unwrap()
        else {
            panic!()
        };
        assert_eq!(settlement, Settlement::Final { succeeded: true });
        assert_eq!(receipt.unwrap().transaction, transaction);
        assert_eq!(host.ledger.lock().salts[0].len(), 32);
        let again = host.carry_out(work("k", "1")).await.unwrap();
        assert!(matches!(
            again,
            Outcome::Settled { transaction: found, settlement: Settlement::Final { succeeded: true }, receipt: None }
                if found == transaction
        ));
        assert_eq!((host.sent(), host.ledger.lock().begun), (1, 1));
        assert!(matches!(host.carry_out(work("k", "2")).await, Err(DriveError::Conflict)));
        let follow = follow(&host.journal, &host.ledger, &key("k")).await.unwrap();
        assert!(matches!(follow, Outcome::Settled { .. }));
    });
}

#[test]
fn a_failed_execution_is_final_and_no_success() {
    block_on(async {
        let host = Host::new(&[]);
        host.ledger.lock().fails_in_block = true;
        assert_eq!(host.settled(work("k", "1")).await, Settlement::Final { succeeded: false });
    });
}

#[test]
fn parties_and_options_are_part_of_the_payload() {
    block_on(async {
        let host = Host::new(&[]);
        host.settled(work("k", "1")).await;
        let mut other = work("k", "1");
        other.parties.push(Party { account: Some("eve".into()), keys: Vec::new() });
        assert!(matches!(host.carry_out(other).await, Err(DriveError::Conflict)));
        let mut salted = work("k", "1");
        salted.options.salt = vec![1; 32];
        assert!(matches!(host.carry_out(salted).await, Ok(Outcome::Settled { .. })));
    });
}

#[test]
fn a_transaction_that_waits_is_followed_and_not_sent_again() {
    block_on(async {
        let host = Host::new(&[]);
        host.ledger.lock().slow_receipts = 3;
        let (inclusion, trouble) = host.under_way(work("k", "1")).await;
        assert!(matches!((inclusion, trouble), (Some(Inclusion::Pending), None)));
        assert!(matches!(host.state("k").await, State::Sent(_)));
        let followed = follow(&host.journal, &host.ledger, &key("k")).await.unwrap();
        assert!(matches!(followed, Outcome::UnderWay { .. }));
        assert_eq!(host.under_way(work("k", "1")).await.0, Some(Inclusion::Pending));
        assert_eq!(host.settled(work("k", "1")).await, Settlement::Final { succeeded: true });
        assert_eq!(host.sent(), 1);
    });
}

#[test]
fn a_transaction_that_a_node_lost_is_sent_again_with_the_same_bytes() {
    block_on(async {
        let host = Host::new(&[]);
        host.ledger.lock().receipt_errors = 1;
        let (inclusion, trouble) = host.under_way(work("k", "1")).await;
        assert!(matches!((inclusion, trouble), (None, Some(Trouble::Receipt(_)))));
        host.ledger.lock().taken.clear();
        assert_eq!(host.settled(work("k", "1")).await, Settlement::Final { succeeded: true });
        let toy = host.ledger.lock();
        assert_eq!((toy.sent.len(), &toy.sent[0]), (2, &toy.sent[1]));
    });
}

#[test]
fn a_send_of_unknown_effect_is_no_failure() {
    block_on(async {
        let host = Host::new(&[Node::Loses, Node::HostEnds, Node::Unreachable, Node::Takes]);
        for _ in 0..3 {
            let (inclusion, trouble) = host.under_way(work("k", "1")).await;
            assert!(matches!((inclusion, trouble), (Some(Inclusion::Unknown), Some(Trouble::Send(_)))));
        }
        assert_eq!(host.settled(work("k", "1")).await, Settlement::Final { succeeded: true });
        assert_eq!(host.ledger.lock().begun, 1);
    });
}

#[test]
fn a_first_send_that_never_left_settles_and_so_does_a_later_refusal_for_good() {
    block_on(async {
        let host = Host::new(&[Node::Unreachable, Node::Loses, Node::Refuses]);
        let Settlement::Never(error) = host.settled(work("a", "1")).await else { panic!() };
        assert_eq!(error.code, ErrorCode::Unavailable);
        assert_eq!(host.settled(work("a", "1")).await, Settlement::Never(error));
        assert_eq!(host.sent(), 1);
        host.under_way(work("b", "1")).await;
        let Settlement::Never(error) = host.settled(work("b", "1")).await else { panic!() };
        assert_eq!(error.code, ErrorCode::Rejected);
        assert!(host.ledger.lock().taken.is_empty());
    });
}

#[test]
fn a_refusal_for_good_is_not_believed_against_the_receipt_or_without_one() {
    block_on(async {
        let host = Host::new(&[Node::Loses, Node::Refuses, Node::Refuses]);
        host.under_way(work("k", "1")).await;
        host.ledger.lock().receipt_errors = 1;
        let (inclusion, trouble) = host.under_way(work("k", "1")).await;
        assert!(matches!((inclusion, trouble), (None, Some(Trouble::Send(_)))));
        host.ledger.lock().expired = true;
        assert_eq!(host.settled(work("k", "1")).await, Settlement::Expired);
    });
}

#[test]
fn an_envelope_is_first_sent_until_the_end_of_its_validity_and_not_after() {
    block_on(async {
        for (validity, now, head, sent) in [
            (Validity::Millis(10), 10, 0, true),
            (Validity::Millis(10), 11, 0, false),
            (Validity::Block(5), 99, 5, true),
            (Validity::Block(5), 0, 6, false),
            (Validity::Unbounded, u64::MAX, 99, true),
            // The node does not tell where it stands: the adapter decides.
            (Validity::Block(5), 0, u64::MAX, true),
        ] {
            let host = Host::new(&[]);
            host.sources.now.store(now, Ordering::SeqCst);
            (host.ledger.lock().valid_until, host.ledger.lock().head) = (Some(validity), head);
            let settlement = host.settled(work("k", "1")).await;
            assert_eq!(matches!(settlement, Settlement::Final { .. }), sent);
            assert_eq!(matches!(settlement, Settlement::Never(e) if e.code == ErrorCode::Expired), !sent);
            assert_eq!(host.sent(), usize::from(sent));
        }
    });
}

#[test]
fn what_may_have_been_sent_and_is_late_is_only_asked_for() {
    block_on(async {
        let host = Host::new(&[Node::Loses]);
        host.ledger.lock().valid_until = Some(Validity::Millis(10));
        host.under_way(work("k", "1")).await;
        host.sources.now.store(11, Ordering::SeqCst);
        let (inclusion, trouble) = host.under_way(work("k", "1")).await;
        assert!(matches!((inclusion, trouble), (Some(Inclusion::Unknown), Some(Trouble::Late))));
        assert_eq!(host.sent(), 1);
        host.ledger.lock().expired = true;
        assert_eq!(host.settled(work("k", "1")).await, Settlement::Expired);
    });
}

#[test]
fn a_read_ends_in_its_answer_and_can_be_read_again() {
    block_on(async {
        let host = Host::new(&[]);
        host.ledger.lock().reads_only = true;
        for _ in 0..2 {
            let outcome = host.carry_out(work("k", "1")).await.unwrap();
            assert!(matches!(outcome, Outcome::Answered(output) if output.raw == b"read"));
        }
        {
            let toy = host.ledger.lock();
            assert_eq!((toy.begun, &toy.salts[0]), (2, &toy.salts[1]));
        }
        // What was a read cannot become a transaction under the same key.
        host.ledger.lock().reads_only = false;
        assert!(matches!(host.carry_out(work("k", "1")).await, Err(DriveError::Adapter(_))));
        assert_eq!(host.sent(), 0);
    });
}

struct Unwilling;

#[async_trait]
impl Signer for Unwilling {
    async fn sign(&self, _: &SignRequest) -> Result<Vec<Signature>, SignerError> {
        Err("the user closed the window".into())
    }
}

#[test]
fn a_call_that_is_not_signed_is_given_up_and_may_be_begun_again_with_the_same_salt() {
    block_on(async {
        let host = Host::new(&[]);
        let refused = carry_out(&host.journal, &host.ledger, work("k", "1"), &Unwilling, || {}).await;
        assert!(matches!(refused, Err(DriveError::Signer(_))));
        assert_eq!(host.ledger.lock().abandoned.len(), 1);
        // The toy takes no empty list of signatures.
        let nothing = |_: &SignRequest| -> Result<Vec<Signature>, SignerError> { Ok(Vec::new()) };
        let refused = carry_out(&host.journal, &host.ledger, work("k", "1"), &nothing, || {}).await;
        assert!(matches!(refused, Err(DriveError::Call { function: "resume", .. })));
        assert_eq!(host.ledger.lock().abandoned.len(), 2);
        host.ledger.lock().rounds = 16;
        assert!(matches!(host.carry_out(work("k", "1")).await, Err(DriveError::Adapter(_))));
        assert_eq!(host.ledger.lock().abandoned.len(), 3);
        host.ledger.lock().rounds = 0;
        assert_eq!(host.settled(work("k", "1")).await, Settlement::Final { succeeded: true });
        let toy = host.ledger.lock();
        assert!(toy.salts.len() == 4 && toy.salts.iter().all(|salt| *salt == toy.salts[0]));
        assert_eq!(toy.abandoned.len(), 3);
    });
}

#[test]
fn a_replacement_takes_the_place_of_what_is_stuck() {
    block_on(async {
        let host = Host::new(&[Node::Loses]);
        let replacement = |name: &str| Work { task: Task::Replace(key("stuck")), ..work(name, "1") };
        let none = host.carry_out(replacement("early")).await;
        assert!(matches!(none, Err(DriveError::NothingToReplace(found)) if found == key("stuck")));
        host.under_way(work("stuck", "1")).await;
        assert_eq!(host.settled(replacement("new")).await, Settlement::Final { succeeded: true });
        let State::Settled(new) = host.state("new").await else { panic!() };
        let by = new.transaction.unwrap().id;
        assert_eq!(host.settled(work("stuck", "1")).await, Settlement::Superseded(by));
        assert!(matches!(host.carry_out(replacement("late")).await, Err(DriveError::NothingToReplace(_))));
        assert_eq!(host.ledger.lock().taken.len(), 1);
    });
}

#[test]
fn a_restart_goes_on_with_everything_open_and_with_nothing_else() {
    block_on(async {
        let host = Host::new(&[Node::Takes, Node::Loses, Node::Loses]);
        host.settled(work("done", "1")).await;
        host.under_way(work("a", "1")).await;
        host.under_way(work("b", "1")).await;
        let refused = carry_out(&host.journal, &host.ledger, work("c", "1"), &Unwilling, || {}).await;
        assert!(refused.is_err());
        let recovered = recover(&host.journal, APPLICATION, &host.ledger).await.unwrap();
        let keys: Vec<_> = recovered.iter().map(|one| one.key.idempotency()).collect();
        assert_eq!(keys, ["a", "b", "c"]);
        for one in &recovered[..2] {
            let settled = Settlement::Final { succeeded: true };
            assert!(
                matches!(&one.outcome, Some(Ok(Outcome::Settled { settlement, .. })) if *settlement == settled)
            );
        }
        assert!(recovered[2].outcome.is_none());
        {
            let toy = host.ledger.lock();
            assert_eq!((toy.sent.len(), toy.taken.len()), (5, 3));
        }
        let again = recover(&host.journal, APPLICATION, &host.ledger).await.unwrap();
        assert_eq!(again.len(), 1);
        assert!(recover(&host.journal, "another", &host.ledger).await.unwrap().is_empty());
    });
}

#[test]
fn following_what_has_no_transaction_is_an_error() {
    block_on(async {
        let host = Host::new(&[]);
        let refused = carry_out(&host.journal, &host.ledger, work("k", "1"), &Unwilling, || {}).await;
        assert!(refused.is_err());
        for name in ["k", "nobody"] {
            let error = follow(&host.journal, &host.ledger, &key(name)).await.unwrap_err();
            assert!(matches!(error, DriveError::Journal(JournalError::NotBegun { .. })));
        }
    });
}

#[test]
fn the_same_work_side_by_side_makes_one_transaction() {
    block_on(async {
        for script in
            [&[Node::Takes][..], &[Node::TakesSilently, Node::Unreachable], &[Node::Delays, Node::Loses]]
        {
            let host = Host::new(script);
            let four = [1, 2, 3, 4].map(|_| host.carry_out(work("k", "1")));
            let [a, b, c, d] = four;
            let (a, b, c, d) = tokio::join!(a, b, c, d);
            for outcome in [a, b, c, d] {
                assert!(matches!(outcome.unwrap(), Outcome::Settled { .. } | Outcome::UnderWay { .. }));
            }
            host.ledger.lock().arrive(u32::MAX);
            assert_eq!(host.settled(work("k", "1")).await, Settlement::Final { succeeded: true });
            let toy = host.ledger.lock();
            assert_eq!(toy.taken.len(), 1);
            assert!(toy.sent.iter().all(|sent| *sent == toy.sent[0]));
        }
    });
}
