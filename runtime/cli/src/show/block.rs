//! A block, with its hash computed anew.

use adapter_spec::types::{Block, HeaderPreimage};

use super::{Sheet, grouped, hex};

/// Transactions that are listed before the rest is only counted.
const LISTED: usize = 10;

/// The hash that a header's bytes have; the block's, if the node and the adapter tell the truth.
#[must_use]
pub fn header_hash(header: &HeaderPreimage, number: u64) -> Vec<u8> {
    let mut hash = berth_crypto::hash(header.hash, &header.bytes).to_vec();
    if header.number_prefix {
        // The low 32 bits of the number, big-endian.
        let low = u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default();
        for (byte, digit) in hash.iter_mut().zip(low.to_be_bytes()) {
            *byte = digit;
        }
    }
    hash
}

/// A block for people.
pub fn block(sheet: &mut Sheet, block: &Block) {
    sheet.field("block", &grouped(block.reference.number));
    sheet.field("hash", &hex(&block.reference.hash));
    let checked = match &block.header {
        None => "the ledger gives no header bytes to check the hash with".into(),
        Some(header) if header_hash(header, block.reference.number) == block.reference.hash => {
            format!(
                "the {} bytes of the header hash to it (computed here)",
                grouped(header.bytes.len() as u64)
            )
        }
        Some(header) => {
            format!("WRONG: the header's bytes hash to {}", hex(&header_hash(header, block.reference.number)))
        }
    };
    sheet.field("checked", &checked);
    sheet.field("parent", &hex(&block.parent));
    if let Some(millis) = block.timestamp_millis {
        sheet.field("time", &utc(millis));
    }
    let count = block.transactions.len();
    sheet.field("transactions", &grouped(count as u64));
    for entry in block.transactions.iter().take(LISTED) {
        let failed = if entry.failed == Some(true) { " (failed)" } else { "" };
        sheet.sub_field("", &format!("{}{failed}", entry.transaction));
    }
    if count > LISTED {
        sheet.sub_field("", &format!("and {} more (--json shows all)", count - LISTED));
    }
}

/// Milliseconds since 1970 as date and time, UTC (civil calendar from days, after Howard Hinnant's description).
pub(crate) fn utc(millis: u64) -> String {
    let seconds = millis / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since 1 March 0000, in eras of 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day_of_month:02} {:02}:{:02}:{:02} UTC",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use adapter_spec::types::HashAlgorithm;

    use super::*;

    #[test]
    fn times_are_dates() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_399_000), "2000-02-28 23:59:59 UTC");
        assert_eq!(utc(951_868_800_000), "2000-03-01 00:00:00 UTC");
        assert_eq!(utc(1_700_000_000_123), "2023-11-14 22:13:20 UTC");
    }

    #[test]
    fn a_number_can_stand_in_the_hash() {
        let header =
            |number_prefix| HeaderPreimage { bytes: vec![1], hash: HashAlgorithm::Sha256, number_prefix };
        let hash = header_hash(&header(false), 258);
        let with_number = header_hash(&header(true), 258);
        assert_eq!(with_number[..4], [0, 0, 1, 2]);
        assert_eq!(with_number[4..], hash[4..]);
    }
}
