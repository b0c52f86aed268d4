use super::*;

#[test]
fn a_namespace_is_a_ticket_between_slashes() {
    assert_eq!(["/", "/T/", "/T", "//", "/a/b/"].map(bare), ["", "T", "T", "", "a/b"]);
}
