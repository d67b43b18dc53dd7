//! The files of a tiled log (C2SP tlog-tiles): their names, and which a tree of some size has.

use super::merkle::{leaf_hash, node_hash};
use crate::digest::Digest;

/// Hashes, or entries, of a full tile.
pub(super) const WIDTH: u64 = 256;

/// One file below the log's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TileFile {
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

/// `x001/x234/067` for 1234067.
fn index_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// The file of tile `index`; `level` is a number or `entries`. `width` is [`WIDTH`] for a full tile.
pub(super) fn tile_path(level: &str, index: u64, width: u64) -> String {
    let partial = if width < WIDTH { format!(".p/{width}") } else { String::new() };
    format!("tile/{level}/{}{partial}", index_path(index))
}

/// Where each tile of a row of `count` elements begins, and how wide it is.
pub(super) fn row(count: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..count.div_ceil(WIDTH)).map(move |index| (index, (count - index * WIDTH).min(WIDTH)))
}

/// Entries with their lengths before them, 16 bits, big-endian. None when one is longer than that counts.
fn bundle(entries: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(&u16::try_from(entry.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Some(bytes)
}

/// Takes a bundle of exactly `width` entries apart.
pub(super) fn unbundle(mut bytes: &[u8], width: u64) -> Option<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    for _ in 0..width {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry.to_vec());
        bytes = rest;
    }
    bytes.is_empty().then_some(entries)
}

/// All files that a tree of these entries has and one of the first `older` did not have. None when an entry is longer
/// than 65,535 bytes.
pub(super) fn new_files(entries: &[Vec<u8>], older: u64) -> Option<Vec<TileFile>> {
    let mut files = Vec::new();
    // Tiles that the older tree had in full never change again.
    let mut settled = older / WIDTH;
    for (index, tile) in (0_u64..).zip(entries.chunks(WIDTH as usize)).filter(|(index, _)| *index >= settled)
    {
        files.push(TileFile { path: tile_path("entries", index, tile.len() as u64), bytes: bundle(tile)? });
    }
    let mut hashes: Vec<Digest> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let mut level = 0_u32;
    while !hashes.is_empty() {
        let tiles = (0_u64..).zip(hashes.chunks(WIDTH as usize));
        for (index, tile) in tiles.filter(|(index, _)| *index >= settled) {
            files.push(TileFile {
                path: tile_path(&level.to_string(), index, tile.len() as u64),
                bytes: tile.iter().flat_map(|hash| *hash.as_bytes()).collect(),
            });
        }
        hashes = hashes.chunks_exact(WIDTH as usize).map(full_tile_hash).collect();
        settled /= WIDTH;
        level += 1;
    }
    Some(files)
}

/// The root of a full tile: eight rows of pairs.
fn full_tile_hash(tile: &[Digest]) -> Digest {
    let mut row = tile.to_vec();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node_hash(left, right)),
                _ => None,
            })
            .collect();
    }
    row.first().copied().unwrap_or_else(|| Digest::of(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_written_as_the_specification_says() {
        assert_eq!(index_path(0), "000");
        assert_eq!(index_path(1_234_067), "x001/x234/067");
        assert_eq!(tile_path("0", 1000, 256), "tile/0/x001/000");
        assert_eq!(tile_path("entries", 7, 3), "tile/entries/007.p/3");
    }

    #[test]
    fn a_tree_of_70000_has_the_tiles_that_the_specification_names() {
        // 273 full and one of 112 at level 0, one full and one of 17 at level 1, one of 1 at level 2.
        let entries: Vec<Vec<u8>> = (0..70_000_u32).map(|n| n.to_be_bytes().to_vec()).collect();
        let files = new_files(&entries, 0).unwrap();
        let of_level = |level: &str| {
            files.iter().filter(|file| file.path.starts_with(&format!("tile/{level}/"))).count()
        };
        assert_eq!([of_level("entries"), of_level("0"), of_level("1"), of_level("2")], [274, 274, 2, 1]);
        for path in ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"] {
            assert!(files.iter().any(|file| file.path == path), "{path}");
        }
    }

    #[test]
    fn a_tree_of_256_has_a_full_tile_and_one_of_one_hash_above_it() {
        let entries: Vec<Vec<u8>> = (0..256_u32).map(|n| n.to_be_bytes().to_vec()).collect();
        let paths: Vec<String> =
            new_files(&entries, 255).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    }

    #[test]
    fn growing_step_by_step_writes_the_same_files_as_at_once() {
        let entries: Vec<Vec<u8>> = (0..600_u32).map(|n| n.to_be_bytes().to_vec()).collect();
        let at_once = new_files(&entries, 0).unwrap();
        let mut grown = std::collections::BTreeMap::new();
        for (older, newer) in [(0, 1), (1, 255), (255, 256), (256, 511), (511, 512), (512, 600)] {
            for file in new_files(&entries[..newer], older).unwrap() {
                grown.insert(file.path, file.bytes);
            }
        }
        for file in at_once {
            assert_eq!(grown.get(&file.path), Some(&file.bytes), "{}", file.path);
        }
    }
}
