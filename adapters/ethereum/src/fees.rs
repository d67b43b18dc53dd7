//! What a transaction offers for its gas.

use adapter_sdk::types::{Error, ErrorCode};
use alloy_primitives::U256;

use crate::{
    errors::{corrupt, invalid},
    rpc::{self, Answers, Ask, Head},
    settings::TransactionType,
    transaction::Fees,
};

/// The tip where the node suggests none: 1 gwei.
const DEFAULT_TIP: u128 = 1_000_000_000;

/// The market: what is asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Market {
    /// What to offer.
    pub(crate) fees: Fees,
    /// What one unit costs in the next block, about.
    pub(crate) now: u128,
}

/// The question that [`market`] takes the answer of.
pub(crate) fn ask(kind: TransactionType) -> Ask {
    match kind {
        TransactionType::Eip1559 => rpc::priority_fee(),
        TransactionType::Legacy => rpc::gas_price(),
    }
}

/// What to offer: the tip that the node suggests, under a cap that holds while the base fee doubles (six full blocks);
/// or the gas price that the node suggests.
pub(crate) fn market(kind: TransactionType, head: &Head, answers: &mut Answers) -> Result<Market, Error> {
    match kind {
        TransactionType::Legacy => {
            let price = wei("eth_gasPrice", answers.next()?)?;
            Ok(Market { fees: Fees::Legacy { price }, now: price })
        }
        TransactionType::Eip1559 => {
            let suggested = answers.next_known::<U256>()?;
            let base = head.base_fee_per_gas.ok_or_else(|| {
                invalid("this chain's blocks have no base fee: set `transaction_type` to \"legacy\"")
            })?;
            let base = wei("eth_getBlockByNumber", base)?;
            let tip = suggested.map_or(Ok(DEFAULT_TIP), |tip| wei("eth_maxPriorityFeePerGas", tip))?;
            let cap = base.saturating_mul(2).saturating_add(tip);
            Ok(Market { fees: Fees::Dynamic { tip, cap }, now: base.saturating_add(tip) })
        }
    }
}

/// A price: beyond 2^96 wei per gas it is nonsense, and everything computed from it fits 256 bits.
fn wei(method: &str, price: U256) -> Result<u128, Error> {
    if price.bit_len() > 96 {
        return Err(corrupt(method, "a price beyond 2^96 wei"));
    }
    Ok(price.to())
}

impl Market {
    /// Keeps the cost of `gas` within `most`: by a lower cap while the next block would still take it.
    ///
    /// # Errors
    /// `underpriced` when not even the present price is within it.
    pub(crate) fn within(self, gas: u64, most: Option<U256>) -> Result<Fees, Error> {
        let Some(most) = most else { return Ok(self.fees) };
        let gas_words = U256::from(gas);
        if gas_words * U256::from(self.fees.most()) <= most {
            return Ok(self.fees);
        }
        let needed = gas_words * U256::from(self.now);
        match self.fees {
            Fees::Dynamic { tip, .. } if needed <= most => {
                let cap =
                    most.checked_div(gas_words).and_then(|cap| u128::try_from(cap).ok()).unwrap_or(self.now);
                Ok(Fees::Dynamic { tip, cap })
            }
            _ => Err(Error::retryable(
                ErrorCode::Underpriced,
                format!("{gas} gas cost {needed} wei now, more than the {most} wei that may be paid at most"),
            )),
        }
    }
}

/// The least that nodes take to replace a transaction: an eighth more, tip and cap alike. Geth asks for 10 % (its
/// `PriceBump`), so do Erigon, Besu and Reth.
fn raised(price: u128) -> u128 {
    price.saturating_add(price.div_ceil(8)).saturating_add(1)
}

/// Fees that replace a transaction with `old` fees, and are what the market asks where that is more.
pub(crate) fn replacing(old: Fees, market: Fees) -> Fees {
    match (old, market) {
        (Fees::Legacy { price }, market) => Fees::Legacy { price: raised(price).max(market.most()) },
        (Fees::Dynamic { tip, cap }, Fees::Dynamic { tip: new_tip, cap: new_cap }) => {
            Fees::Dynamic { tip: raised(tip).max(new_tip), cap: raised(cap).max(new_cap) }
        }
        (Fees::Dynamic { tip, cap }, Fees::Legacy { price }) => {
            Fees::Dynamic { tip: raised(tip), cap: raised(cap).max(price) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_comes_down_to_what_may_be_paid_and_no_further_than_the_present_price() {
        let market = Market { fees: Fees::Dynamic { tip: 2, cap: 22 }, now: 12 };
        assert_eq!(market.within(10, None).unwrap(), market.fees);
        assert_eq!(market.within(10, Some(U256::from(220))).unwrap(), market.fees);
        assert_eq!(market.within(10, Some(U256::from(150))).unwrap(), Fees::Dynamic { tip: 2, cap: 15 });
        assert_eq!(market.within(10, Some(U256::from(119))).unwrap_err().code, ErrorCode::Underpriced);
        let legacy = Market { fees: Fees::Legacy { price: 5 }, now: 5 };
        assert_eq!(legacy.within(10, Some(U256::from(49))).unwrap_err().code, ErrorCode::Underpriced);
    }

    #[test]
    fn a_replacement_raises_tip_and_cap_by_more_than_a_tenth() {
        let old = Fees::Dynamic { tip: 100, cap: 1000 };
        let new = replacing(old, Fees::Dynamic { tip: 1, cap: 2000 });
        assert_eq!(new, Fees::Dynamic { tip: 114, cap: 2000 });
        assert_eq!(
            replacing(Fees::Legacy { price: 0 }, Fees::Legacy { price: 0 }),
            Fees::Legacy { price: 1 }
        );
    }
}
