//! Reserved instances. Instances are shared: whoever needs one takes it, and idle ones make room for others. An application whose
//! load stays high gets slots to itself, and gives them back as its load falls.

use std::{collections::VecDeque, time::Duration};

/// How instances are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// How often the load is looked at. Default 10 s.
    pub look: Duration,
    /// The largest part of all instances that one application may have to itself: one in so many. Default 4.
    pub one_in: u32,
    /// The largest part that all together may have: one in so many. Default 2, so that the others always have half.
    pub all_in: u32,
}

impl Default for Reserve {
    fn default() -> Self {
        Reserve { look: Duration::from_secs(10), one_in: 4, all_in: 2 }
    }
}

/// For how many looks in a row the load has to be high.
const LOOKS: usize = 6;
/// What is no load to reserve anything for: one call after the other.
const LOW: usize = 1;

/// How busy an application was of late: the most calls at once between each two looks.
#[derive(Default)]
pub(crate) struct Load {
    peaks: VecDeque<usize>,
}

impl Load {
    /// Takes the newest peak. Gives what the load never fell below of late, which is what is worth reserving.
    pub(crate) fn saw(&mut self, peak: usize) -> usize {
        if self.peaks.len() == LOOKS {
            self.peaks.pop_front();
        }
        self.peaks.push_back(peak);
        match self.peaks.iter().min() {
            Some(least) if self.peaks.len() == LOOKS && *least > LOW => *least,
            _ => 0,
        }
    }
}

/// Shares out slots: what each has and what each should have. Whoever has some keeps them as long as the load is there; growth comes
/// after that.
pub(crate) fn share(reserve: &Reserve, instances: u32, have: &[usize], wanted: &[usize]) -> Vec<usize> {
    let part = |one_in: u32| usize::try_from(instances / one_in.max(1)).unwrap_or(usize::MAX);
    let (one, mut left) = (part(reserve.one_in), part(reserve.all_in));
    let mut take = |wanted: usize| {
        let taken = wanted.min(left);
        left -= taken;
        taken
    };
    let kept: Vec<_> =
        have.iter().zip(wanted).map(|(have, wanted)| take((*have).min(*wanted).min(one))).collect();
    let more = kept.iter().zip(wanted).map(|(kept, wanted)| kept + take((*wanted).min(one) - kept));
    more.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_load_that_stays_is_worth_a_reservation() {
        let mut load = Load::default();
        for _ in 0..LOOKS - 1 {
            assert_eq!(load.saw(8), 0, "it was not long yet");
        }
        assert_eq!(load.saw(5), 5);
        assert_eq!(load.saw(9), 5, "what it never fell below");
        assert_eq!(load.saw(1), 0, "it fell: all is given back");
        assert_eq!(load.saw(9), 0);
        let mut lonely = Load::default();
        assert!((0..20).all(|_| lonely.saw(1) == 0), "one call after the other");
    }

    #[test]
    fn nobody_has_more_than_a_quarter_nor_all_together_more_than_half() {
        let reserve = Reserve::default();
        assert_eq!(share(&reserve, 100, &[0, 0], &[90, 10]), [25, 10]);
        assert_eq!(share(&reserve, 100, &[0, 0, 0], &[30, 30, 30]), [25, 25, 0]);
        assert_eq!(share(&reserve, 100, &[0, 0, 20], &[30, 30, 30]), [25, 5, 20], "who has some keeps them");
        assert_eq!(share(&reserve, 100, &[25, 10], &[0, 4]), [0, 4], "and gives them back");
        assert_eq!(share(&reserve, 3, &[0], &[3]), [0]);
    }
}
