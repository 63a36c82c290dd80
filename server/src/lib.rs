//! Bright Kitchen's server: domain, store, HTTP, jobs and pages.

pub mod files;
