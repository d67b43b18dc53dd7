//! What a host lends.
