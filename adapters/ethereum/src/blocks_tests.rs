//! Headers of the main network hash to their well-known hashes.
