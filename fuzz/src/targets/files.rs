//! Files that an operator writes.

use ringfence_core::federation::ProviderSettings;

use crate::{federation_http, file::File};

/// A provisioning file: whatever stands in it is read or refused; its names and its providers, too.
pub fn provisioning(text: &str) {
    let Ok(mut file) = toml::from_str::<File>(text) else { return };
    for project in &mut file.project {
        for application in &project.application {
            if let Ok(names) = application.aliases() {
                assert!(names.len() >= usize::from(application.publishable_key.is_some()), "a name was lost");
            }
        }
        for (name, provider) in project.federation.iter_mut().flat_map(ProviderSettings::iter_mut) {
            if federation_http::settle(name, provider).is_ok() {
                let settled = provider.clone();
                assert!(federation_http::settle(name, provider).is_ok(), "settled, and refused the second time");
                assert_eq!(*provider, settled, "settled once more it is another");
            }
        }
    }
}
