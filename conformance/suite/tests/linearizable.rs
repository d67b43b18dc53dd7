//! The linearizability checker: known histories, and every small one against trying all orders.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

use berth_suite::linearizable::{
    Answer, Ending, Explanation, Malformed,
    Operation::{self, Delete, Get},
    Recorded, Verdict, check,
};
use proptest::{prelude::*, test_runner::RngSeed};

const PLENTY: u64 = 1_000_000;

fn insert(value: u8) -> Operation {
    Operation::Insert(vec![value])
}

fn update(value: u8) -> Operation {
    Operation::Update(vec![value])
}

fn value(value: u8) -> Answer {
    Answer::Value(vec![value])
}

fn answered(called: u64, at: u64, operation: Operation, answer: Answer) -> Recorded {
    Recorded { operation, called, ending: Ending::Answered { at, answer } }
}

fn unknown(called: u64, operation: Operation) -> Recorded {
    Recorded { operation, called, ending: Ending::Unknown }
}

fn order(history: &[Recorded]) -> Vec<usize> {
    match check(history, None, PLENTY).unwrap() {
        Verdict::Linearizable { order } => order,
        other => panic!("{other:?}"),
    }
}

fn explanation(history: &[Recorded], initial: Option<&[u8]>, budget: u64) -> Explanation {
    match check(history, initial, budget).unwrap() {
        Verdict::NotLinearizable(explanation) => *explanation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn operations_one_after_the_other_are_explained_by_their_order() {
    let history = [
        answered(1, 2, Get, Answer::NotFound),
        answered(3, 4, update(1), Answer::NotFound),
        answered(5, 6, Delete, Answer::NotFound),
        answered(7, 8, insert(1), Answer::Done),
        answered(9, 10, insert(2), Answer::AlreadyExists),
        answered(11, 12, Get, value(1)),
        answered(13, 14, update(2), Answer::Done),
        answered(15, 16, Get, value(2)),
        answered(17, 18, Delete, Answer::Done),
        answered(19, 20, Get, Answer::NotFound),
    ];
    assert_eq!(order(&history), (0..10).collect::<Vec<_>>());
    assert_eq!(order(&[]), Vec::<usize>::new());
}

#[test]
fn each_wrong_answer_of_a_lone_operation_is_found_and_the_right_one_named() {
    let answers = [Answer::Done, value(1), value(2), Answer::AlreadyExists, Answer::NotFound];
    let cases = [
        (insert(2), None, Answer::Done),
        (insert(2), Some(1), Answer::AlreadyExists),
        (update(2), None, Answer::NotFound),
        (update(2), Some(1), Answer::Done),
        (Delete, None, Answer::NotFound),
        (Delete, Some(1), Answer::Done),
        (Get, None, Answer::NotFound),
        (Get, Some(1), value(1)),
    ];
    for (operation, initial, right) in cases {
        let initial = initial.map(|value| vec![value]);
        for answer in &answers {
            let history = [answered(1, 2, operation.clone(), answer.clone())];
            let verdict = check(&history, initial.as_deref(), PLENTY).unwrap();
            if *answer == right {
                assert_eq!(verdict, Verdict::Linearizable { order: vec![0] });
                continue;
            }
            let expected = Explanation {
                culprit: 0,
                operation: operation.clone(),
                answer: answer.clone(),
                history: vec![0],
                before: Some(Vec::new()),
                instead: Some(right.clone()),
            };
            assert_eq!(verdict, Verdict::NotLinearizable(Box::new(expected)));
        }
    }
}

#[test]
fn concurrent_operations_may_take_effect_in_either_order_and_later_ones_only_later() {
    // Called first, took effect last.
    let overlapping = [answered(1, 6, insert(1), Answer::Done), answered(2, 4, Get, Answer::NotFound)];
    assert_eq!(order(&overlapping), [1, 0]);
    let touching = [answered(1, 3, insert(1), Answer::Done), answered(3, 5, Get, Answer::NotFound)];
    assert_eq!(order(&touching), [1, 0]);
    let apart = [answered(1, 3, insert(1), Answer::Done), answered(4, 5, Get, Answer::NotFound)];
    let found = explanation(&apart, None, PLENTY);
    assert_eq!((found.culprit, found.before, found.instead), (1, Some(vec![0]), Some(value(1))));
}

#[test]
fn a_value_that_was_read_never_goes_back() {
    let history = [
        answered(1, 2, insert(1), Answer::Done),
        answered(3, 20, update(2), Answer::Done),
        answered(4, 5, Get, value(2)),
        answered(6, 7, Get, value(1)),
        answered(8, 9, Get, value(2)),
    ];
    let found = explanation(&history, None, PLENTY);
    assert_eq!(found.culprit, 3);
    assert_eq!(found.history, [0, 1, 2, 3]);
    assert_eq!(found.before, Some(vec![0, 1, 2]));
    assert_eq!(found.instead, Some(value(2)));
    assert_eq!(
        found.to_string(),
        "operation 3 (get) answered value 0x01 (1 bytes), which no order of the 4 operations called until then \
         explains; the answers before it are explained by the order: 0, 1, 2; after it the answer would be value \
         0x02 (1 bytes)"
    );
}

#[test]
fn two_inserts_that_both_succeed_are_not_linearizable() {
    let history = [answered(1, 4, insert(1), Answer::Done), answered(2, 5, insert(2), Answer::Done)];
    let found = explanation(&history, None, PLENTY);
    assert_eq!((found.culprit, found.history), (1, vec![0, 1]));
    let won = [answered(1, 4, insert(1), Answer::AlreadyExists), answered(2, 5, insert(2), Answer::Done)];
    assert_eq!(order(&won), [1, 0]);
}

#[test]
fn an_operation_of_unknown_effect_may_take_effect_at_any_later_time_or_never() {
    let late = [unknown(1, insert(1)), answered(2, 3, Get, Answer::NotFound), answered(4, 5, Get, value(1))];
    assert_eq!(order(&late), [1, 0, 2]);
    let never = [unknown(1, insert(1)), answered(2, 3, Get, Answer::NotFound)];
    assert_eq!(order(&never), [1]);
    let once = [
        unknown(1, insert(1)),
        answered(2, 3, Get, value(1)),
        answered(4, 5, Delete, Answer::Done),
        answered(6, 7, Get, value(1)),
    ];
    let found = explanation(&once, None, PLENTY);
    assert_eq!((found.culprit, found.instead), (3, Some(Answer::NotFound)));
    let not_before_its_call = [answered(1, 2, Get, value(1)), unknown(3, insert(1))];
    let found = explanation(&not_before_its_call, None, PLENTY);
    assert_eq!((found.culprit, found.history), (0, vec![0]));
    // Without an answer there is nothing to explain.
    assert_eq!(order(&[unknown(1, insert(1)), unknown(1, Get)]), Vec::<usize>::new());
}

#[test]
fn what_is_not_answered_yet_may_explain_an_earlier_answer() {
    // The insert is seen before it is answered; its own answer is what cannot be.
    let history = [answered(1, 6, insert(1), Answer::AlreadyExists), answered(2, 3, Get, value(1))];
    let found = explanation(&history, None, PLENTY);
    assert_eq!((found.culprit, found.before, found.instead), (0, Some(vec![0, 1]), None));
    let history = [0, 1].map(|place| history[place].clone());
    let text = explanation(&history, None, PLENTY).to_string();
    assert!(text.ends_with("are explained by the order: 0, 1"), "{text}");
}

#[test]
fn an_update_that_would_change_nothing_now_may_be_wanted_later() {
    let history = [
        answered(1, 2, insert(0), Answer::Done),
        answered(3, 10, update(1), Answer::Done),
        answered(4, 11, update(0), Answer::Done),
        answered(12, 13, Get, value(0)),
    ];
    assert_eq!(order(&history), [0, 1, 2, 3]);
}

#[test]
fn a_history_that_cannot_have_been_is_refused() {
    for at in [4, 5] {
        let history = [answered(1, 2, Get, Answer::NotFound), answered(5, at, Get, Answer::NotFound)];
        let malformed = Malformed { operation: 1, called: 5, answered: at };
        assert_eq!(check(&history, None, PLENTY), Err(malformed));
    }
    assert!(check(&[answered(5, 6, Get, Answer::NotFound)], None, PLENTY).is_ok());
}

/// Updates side by side, each a different value, and a read of a value that none wrote.
fn hard(count: u8) -> Vec<Recorded> {
    let mut history = vec![answered(1, 2, insert(0), Answer::Done)];
    history.extend((1..=count).map(|value| answered(3, 1_000, update(value), Answer::Done)));
    history.push(answered(2_000, 2_001, Get, value(255)));
    history
}

#[test]
fn a_small_budget_ends_in_unknown_and_is_never_a_pass() {
    assert_eq!(check(&hard(8), None, 100), Ok(Verdict::Unknown { visited: 100 }));
    // With n updates: the start, the insert, and for each set of updates each of them as the last one.
    let states = 2 + 8 * (1 << 7);
    assert_eq!(check(&hard(8), None, states - 1), Ok(Verdict::Unknown { visited: states - 1 }));
    assert_eq!(explanation(&hard(8), None, states).culprit, 9);
    assert_eq!(check(&[], None, 0), Ok(Verdict::Unknown { visited: 0 }));
    assert_eq!(check(&[], None, 1), Ok(Verdict::Linearizable { order: Vec::new() }));
}

#[test]
fn an_explanation_without_budget_for_its_searches_says_less_and_nothing_wrong() {
    // Refuting all is quick: nothing can follow the insert's wrong answer. Up to the answers in the middle the insert may
    // still have happened, and the updates can be tried in every order.
    let mut history = vec![answered(1, 5_000, insert(0), Answer::NotFound)];
    history.extend((1..=8).map(|value| answered(3, 1_000 + u64::from(value), update(value), Answer::Done)));
    history.push(answered(2_000, 2_001, Get, value(255)));
    let found = explanation(&history, None, 50);
    assert_eq!((found.culprit, &found.before, &found.instead), (0, &None, &None));
    assert!(!found.to_string().contains("order:"));
    let exact = explanation(&history, None, PLENTY);
    assert_eq!(exact.culprit, 9);
    assert!(exact.before.is_some());
}

#[test]
fn reads_side_by_side_cost_one_state_each() {
    let mut history = vec![answered(1, 2, insert(0), Answer::Done)];
    history.extend((0..200).map(|_| answered(3, 1_000, Get, value(0))));
    history.push(answered(2_000, 2_001, Get, value(1)));
    let found = explanation(&history, None, 202);
    assert_eq!((found.culprit, found.instead), (201, Some(value(0))));
    assert_eq!(check(&history, None, 201), Ok(Verdict::Unknown { visited: 201 }));
}

#[test]
fn operations_of_unknown_effect_are_tried_last_and_only_where_they_change_something() {
    let mut history = vec![answered(100, 101, insert(0), Answer::Done)];
    history.extend((1..60).map(|value| unknown(1, update(value))));
    history.push(answered(102, 103, Get, value(0)));
    assert_eq!(check(&history, None, 3), Ok(Verdict::Linearizable { order: vec![0, 60] }));
    // Deletions of unknown effect change nothing where there is nothing.
    let mut history: Vec<_> = (0..60).map(|_| unknown(1, Delete)).collect();
    history.push(answered(2, 3, Get, value(9)));
    assert_eq!(explanation(&history, None, 1).culprit, 60);
}

#[test]
fn long_values_are_cut_where_they_are_shown() {
    assert_eq!(insert(7).to_string(), "insert 0x07 (1 bytes)");
    assert_eq!(update(7).to_string(), "update 0x07 (1 bytes)");
    assert_eq!((Delete.to_string(), Get.to_string()), ("delete".into(), "get".into()));
    let (whole, cut) = (Answer::Value(vec![0xab; 32]), Answer::Value(vec![0xab; 33]));
    assert_eq!(whole.to_string(), format!("value 0x{} (32 bytes)", "ab".repeat(32)));
    assert_eq!(cut.to_string(), format!("value 0x{}… (33 bytes)", "ab".repeat(32)));
    assert_eq!(Answer::Done.to_string(), "done");
    assert_eq!(Answer::AlreadyExists.to_string(), "already-exists");
    assert_eq!(Answer::NotFound.to_string(), "not-found");
}

/// The key's value after an order, if it keeps to the clock and gives each answer.
fn explains(history: &[Recorded], initial: Option<u8>, order: &[usize]) -> bool {
    let mut state = initial.map(|value| vec![value]);
    for (position, place) in order.iter().enumerate() {
        let one = &history[*place];
        // Nobody who comes later was answered before this one was called.
        let comes_too_late = |later: &usize| match history[*later].ending {
            Ending::Answered { at, .. } => at < one.called,
            Ending::Unknown => false,
        };
        if order[position + 1..].iter().any(comes_too_late) {
            return false;
        }
        let (given, next) = match (&one.operation, state.clone()) {
            (Operation::Insert(value), None) => (Answer::Done, Some(value.clone())),
            (Operation::Insert(_), state) => (Answer::AlreadyExists, state),
            (_, None) => (Answer::NotFound, None),
            (Operation::Update(value), _) => (Answer::Done, Some(value.clone())),
            (Delete, _) => (Answer::Done, None),
            (Get, Some(value)) => (Answer::Value(value.clone()), Some(value)),
        };
        if matches!(&one.ending, Ending::Answered { answer, .. } if *answer != given) {
            return false;
        }
        state = next;
    }
    let missing = |place: usize| !order.contains(&place) && history[place].ending != Ending::Unknown;
    !(0..history.len()).any(missing)
}

/// Tries all orders of all sets of operations.
fn oracle(history: &[Recorded], initial: Option<u8>, order: &mut Vec<usize>) -> bool {
    if explains(history, initial, order) {
        return true;
    }
    for place in 0..history.len() {
        if !order.contains(&place) {
            order.push(place);
            if oracle(history, initial, order) {
                return true;
            }
            order.pop();
        }
    }
    false
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![(0_u8..3).prop_map(insert), (0_u8..3).prop_map(update), Just(Delete), Just(Get), Just(Get)]
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        3 => Just(Answer::Done),
        3 => (0_u8..3).prop_map(value),
        1 => Just(Answer::AlreadyExists),
        1 => Just(Answer::NotFound),
    ]
}

fn any_recorded() -> impl Strategy<Value = Recorded> {
    (operation(), 0_u64..10, prop::option::weighted(0.8, (1_u64..8, answer()))).prop_map(
        |(operation, called, answer)| {
            let ending = answer
                .map_or(Ending::Unknown, |(took, answer)| Ending::Answered { at: called + took, answer });
            Recorded { operation, called, ending }
        },
    )
}

/// A history that was carried out: each operation at a moment between its call and its answer. Some answers are lost.
fn carried_out(plan: &[(Operation, u64, u64, bool, bool)]) -> Vec<Recorded> {
    let mut state: Option<Vec<u8>> = None;
    let mut history = Vec::new();
    for (moment, (operation, before, after, lost, happens)) in plan.iter().enumerate() {
        let moment = 10 + 10 * moment as u64;
        let (called, at) = (moment.saturating_sub(*before), moment + 1 + after);
        if *lost && !happens {
            history.push(unknown(called, operation.clone()));
            continue;
        }
        let answer = match (operation, &state) {
            (Operation::Insert(_), Some(_)) => Answer::AlreadyExists,
            (Operation::Insert(value), None) | (Operation::Update(value), Some(_)) => {
                state = Some(value.clone());
                Answer::Done
            }
            (Delete, Some(_)) => {
                state = None;
                Answer::Done
            }
            (Get, Some(value)) => Answer::Value(value.clone()),
            (_, None) => Answer::NotFound,
        };
        let ending = if *lost { Ending::Unknown } else { Ending::Answered { at, answer } };
        history.push(Recorded { operation: operation.clone(), called, ending });
    }
    history
}

/// The checker and the trying of all orders agree, and whatever the checker says of its reasons holds.
fn agrees_with_the_oracle(history: &[Recorded], initial: Option<u8>) -> Result<(), TestCaseError> {
    let bytes = initial.map(|value| vec![value]);
    let possible = oracle(history, initial, &mut Vec::new());
    match check(history, bytes.as_deref(), PLENTY).unwrap() {
        Verdict::Linearizable { order } => {
            prop_assert!(possible);
            prop_assert!(explains(history, initial, &order), "{:?}", order);
        }
        Verdict::NotLinearizable(found) => {
            prop_assert!(!possible);
            let Ending::Answered { at: last, .. } = history[found.culprit].ending else { panic!() };
            // What was called until the culprit's answer; of it, what was answered before.
            let until = |before_only: bool| -> Vec<Recorded> {
                let mut cut: Vec<_> =
                    found.history.iter().map(|place| (*place, history[*place].clone())).collect();
                for (place, one) in &mut cut {
                    if let Ending::Answered { at, .. } = one.ending
                        && ((at, *place) > (last, found.culprit) || before_only && *place == found.culprit)
                    {
                        one.ending = Ending::Unknown;
                    }
                }
                cut.into_iter().map(|(_, one)| one).collect()
            };
            let called: Vec<_> = (0..history.len()).filter(|place| history[*place].called <= last).collect();
            prop_assert_eq!(&found.history, &called);
            prop_assert!(!oracle(&until(false), initial, &mut Vec::new()), "the beginning can be explained");
            prop_assert!(oracle(&until(true), initial, &mut Vec::new()), "another answer is to blame");
            prop_assert!(found.before.is_some());
            prop_assert!(found.instead.as_ref() != Some(&found.answer));
        }
        Verdict::Unknown { .. } => prop_assert!(false, "the budget is plenty"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(23),
        ..ProptestConfig::default()
    })]

    #[test]
    fn small_histories_are_judged_as_by_trying_all_orders(
        history in prop::collection::vec(any_recorded(), 0..6),
        initial in prop::option::of(0_u8..3),
    ) {
        agrees_with_the_oracle(&history, initial)?;
    }

    #[test]
    fn histories_that_are_nearly_right_are_judged_as_by_trying_all_orders(
        plan in prop::collection::vec(
            (operation(), 0_u64..40, 0_u64..40, prop::bool::weighted(0.1), any::<bool>()), 1..6,
        ),
        altered in any::<prop::sample::Index>(),
        other in answer(),
    ) {
        let mut history = carried_out(&plan);
        let altered = altered.index(history.len());
        if let Ending::Answered { answer, .. } = &mut history[altered].ending {
            *answer = other;
        }
        agrees_with_the_oracle(&history, None)?;
    }

    #[test]
    fn a_history_that_was_carried_out_is_linearizable(
        plan in prop::collection::vec(
            (operation(), 0_u64..40, 0_u64..40, prop::bool::weighted(0.1), any::<bool>()), 0..70,
        ),
    ) {
        let history = carried_out(&plan);
        let Verdict::Linearizable { order } = check(&history, None, PLENTY).unwrap() else { panic!("{history:?}") };
        prop_assert!(explains(&history, None, &order));
    }
}
