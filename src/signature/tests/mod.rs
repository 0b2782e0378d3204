//! Real keys, made for each test by gpg, gpgsm, openssl and ssh-keygen, and what becomes of their
//! signatures here and under the original tools. Tests are named after the tricks that they try.

mod compliance;
mod home;
mod lab;
mod mutation;
mod openpgp;
mod openpgp_keys;
mod ssh;
mod ssh_blobs;
mod x509;
