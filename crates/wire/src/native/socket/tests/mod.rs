//! Connections: frames in, frames out, with time moved by hand.

mod scene;
mod vectors;
