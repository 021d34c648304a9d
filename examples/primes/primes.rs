//! Primes counts the prime numbers in its share of a range: each task does one part.
//!
//!     rustc --target wasm32-wasip1 -O -C strip=symbols -o primes.wasm primes.rs   (Debian: rustc libstd-rust-dev-wasm32, where the target is wasm32-wasi)
//!     moot run primes.wasm --count 8 --logs -- 1000000
use std::env;

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn main() {
    let end: u64 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let (task, tasks) = (number("MOOT_TASK", 0), number("MOOT_TASKS", 1));
    let (from, to) = (end * task / tasks, end * (task + 1) / tasks);
    let is_prime = |n: u64| n > 1 && (2..).take_while(|d| d * d <= n).all(|d| n % d != 0);
    println!("{}", (from..to).filter(|&n| is_prime(n)).count());
}
