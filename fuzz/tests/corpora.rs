//! Every target over its corpus, which also holds what fuzzing once found.

use std::{fs, path::Path};

use ringfence_fuzz::TARGETS;

#[test]
fn every_target_stands_its_corpus() {
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora").join(target.name);
        let mut inputs = 0;
        for entry in fs::read_dir(&folder).expect("every target has a corpus") {
            let path = entry.expect("the corpus is readable").path();
            let data = fs::read(&path).expect("the corpus is readable");
            assert!(data.len() <= target.longest, "{} is longer than what {} tries", path.display(), target.name);
            (target.run)(&data);
            inputs += 1;
        }
        assert!(inputs >= 5, "{} has {inputs} inputs", target.name);
    }
}

#[test]
fn every_corpus_has_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora");
    for entry in fs::read_dir(folder).expect("there are corpora") {
        let name = entry.expect("a folder").file_name();
        assert!(TARGETS.iter().any(|target| *target.name == *name), "{} belongs to no target", name.display());
    }
}
