//! The INF's security descriptor: administrators and the system, and nobody else.

use edu_tests::{doctored, program::Run};

#[test]
fn an_app_of_an_administrator_and_one_of_the_system_open_the_device() {
    for user in ["administrator", "system"] {
        Run::on("model")
            .arguments(["--user", user])
            .eductl(["factorial", "5"])
            .end()
            .exits(0)
            .says("= 120");
    }
}

#[test]
fn an_app_of_anybody_else_is_refused_the_handle() {
    Run::on("model")
        .arguments(["--user", "standard"])
        .eductl(["info"])
        .end()
        .exits(1)
        .complains("STATUS_ACCESS_DENIED");
}

#[test]
fn without_a_descriptor_everybody_opens_the_device() {
    let inf = doctored::inf("HKR,, Security,,", "HKR,, Nothing,,");
    Run::on("model")
        .inf(inf.path())
        .arguments(["--user", "standard"])
        .eductl(["info"])
        .end()
        .exits(0);
}
