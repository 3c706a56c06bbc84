//! The fewest checks: what they leave out, and that they change nothing else. Needs the drivers:
//! `sh scripts/bench.sh` builds them.

use edu_bench::{
    drivers,
    time::{first_request, requests},
};
use edu_lab::EduModel;
use edu_model::Config;
use kmdf_host::{Checks, Counts, Package, Session, explore::Wrong, install::RegistryValue};
use kmdf_teeth::{bugs, hunt::report};

/// Some requests of the driver in C, with that defect.
fn run(defect: u32, checks: Checks) -> Result<Counts, Wrong> {
    let subject = drivers::floor();
    let setting = ("Bug".to_owned(), RegistryValue::Dword(defect));
    let package = Package::read(&subject.driver)?.with_registry(&[setting]);
    let model = Box::new(EduModel::new(Config::default()));
    let (session, file) = first_request(&subject, &package, checks, model)?;
    requests(&subject, &session, &file, 10)?;
    Ok(Session::shut_down(session)?.counts)
}

#[test]
fn with_the_fewest_checks_a_correct_driver_does_the_same() {
    let all = run(0, Checks::All).unwrap();
    assert_eq!(all, run(0, Checks::Fewest).unwrap());
}

#[test]
fn with_the_fewest_checks_a_leak_is_not_found() {
    let leak = bugs::named("leaks_pool").unwrap();
    let number = u32::try_from(leak.number()).unwrap();
    let found = run(number, Checks::All).unwrap_err();
    assert_eq!(report(&found).unwrap().rule, "PoolLeak");
    run(number, Checks::Fewest).unwrap();
}
