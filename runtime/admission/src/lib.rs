//! Certificates of adapters, and who is let in: verification only.
