//! Compiles one component for a host that started it; see `berth_host::Compiler`.

fn main() {
    let arguments: Vec<_> = std::env::args_os().collect();
    std::process::exit(berth_host::compile_as_child(&arguments));
}
