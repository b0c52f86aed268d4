//! Settings of a connection that say nothing to an authentication server: checked, kept and shown again (sheet, 1.3).

use serde_json::{Map, Value, json};

use super::{
    error::Code,
    fields::{
        Field, Fields,
        Kind::{Flag, Members, Number, OneOf, Text, Texts, Url, Uuid},
    },
};

/// What may be set.
const SETTINGS: &[Field] = &[
    ("anchorsite_override", OneOf(SITES)),
    ("sip_uri_calling_preference", OneOf(&["disabled", "unrestricted", "internal", "enabled"])),
    ("default_on_hold_comfort_noise_enabled", Flag),
    ("encode_contact_header_enabled", Flag),
    ("onnet_t38_passthrough_enabled", Flag),
    ("call_cost_in_webhooks", Flag),
    ("conversation_persistence", Flag),
    ("dtmf_type", OneOf(&["RFC 2833", "Inband", "SIP INFO"])),
    ("encrypted_media", OneOf(&["SRTP"])),
    ("webhook_event_url", Url),
    ("webhook_event_failover_url", Url),
    ("webhook_api_version", OneOf(&["1", "2", "texml"])),
    ("webhook_timeout_secs", Number(0, 30)),
    ("tags", Texts),
    ("ios_push_credential_id", Uuid),
    ("android_push_credential_id", Uuid),
    ("rtcp_settings", Members(RTCP)),
    ("jitter_buffer", Members(JITTER)),
    ("noise_suppression", OneOf(&["inbound", "outbound", "both", "disabled"])),
    ("noise_suppression_details", Members(NOISE)),
    ("inbound", Members(INBOUND)),
    ("outbound", Members(OUTBOUND)),
];

const SITES: &[&str] = &[
    "Latency",
    "Chicago, IL",
    "Ashburn, VA",
    "San Jose, CA",
    "Sydney, Australia",
    "Amsterdam, Netherlands",
    "London, UK",
    "Toronto, Canada",
    "Vancouver, Canada",
    "Frankfurt, Germany",
];

const RTCP: &[Field] =
    &[("port", OneOf(&["rtp+1", "rtcp-mux"])), ("capture_enabled", Flag), ("report_frequency_secs", Number(5, 3000))];

const JITTER: &[Field] = &[
    ("enable_jitter_buffer", Flag),
    ("jitterbuffer_msec_min", Number(40, 400)),
    ("jitterbuffer_msec_max", Number(40, 400)),
];

const NOISE: &[Field] = &[("engine", OneOf(ENGINES)), ("attenuation_limit", Number(0, 100))];

const ENGINES: &[&str] = &[
    "denoiser",
    "deep_filter_net",
    "deep_filter_net_large",
    "krisp_viva_tel",
    "krisp_viva_tel_lite",
    "krisp_viva_promodel",
    "krisp_viva_ss",
    "quail_voice_focus",
];

const INBOUND: &[Field] = &[
    ("ani_number_format", OneOf(&["+E.164", "E.164", "+E.164-national", "E.164-national"])),
    ("dnis_number_format", OneOf(&["+e164", "e164", "national", "sip_username"])),
    ("codecs", Texts),
    ("channel_limit", Number(0, i32::MAX as i64)),
    ("default_routing_method", OneOf(&["sequential", "round-robin"])),
    ("generate_ringback_tone", Flag),
    ("isup_headers_enabled", Flag),
    ("prack_enabled", Flag),
    ("shaken_stir_enabled", Flag),
    ("simultaneous_ringing", OneOf(&["disabled", "enabled"])),
    ("sip_compact_headers_enabled", Flag),
    ("timeout_1xx_secs", Number(1, 600)),
    ("timeout_2xx_secs", Number(1, 600)),
];

const OUTBOUND: &[Field] = &[
    ("ani_override", Text),
    ("ani_override_type", OneOf(&["always", "normal", "emergency"])),
    ("call_parking_enabled", Flag),
    ("channel_limit", Number(0, i32::MAX as i64)),
    ("generate_ringback_tone", Flag),
    ("instant_ringback_enabled", Flag),
    ("localization", Text),
    ("outbound_voice_profile_id", Text),
    (
        "t38_reinvite_source",
        OneOf(&["telnyx", "customer", "disabled", "passthru", "caller-passthru", "callee-passthru"]),
    ),
];

/// What is shown where nothing was set.
fn defaults() -> Map<String, Value> {
    let defaults = json!({
        "anchorsite_override": "Latency",
        "sip_uri_calling_preference": "disabled",
        "default_on_hold_comfort_noise_enabled": false,
        "encode_contact_header_enabled": false,
        "onnet_t38_passthrough_enabled": false,
        "call_cost_in_webhooks": false,
        "conversation_persistence": false,
        "dtmf_type": "RFC 2833",
        "encrypted_media": null,
        "webhook_event_url": "",
        "webhook_event_failover_url": null,
        "webhook_api_version": "1",
        "webhook_timeout_secs": null,
        "tags": [],
        "ios_push_credential_id": null,
        "android_push_credential_id": null,
        "rtcp_settings": { "port": "rtp+1", "capture_enabled": false, "report_frequency_secs": 5 },
        "jitter_buffer": { "enable_jitter_buffer": false },
        "noise_suppression": "disabled",
        "inbound": { "simultaneous_ringing": "disabled", "sip_compact_headers_enabled": true },
        "outbound": { "call_parking_enabled": false },
    });
    match defaults {
        Value::Object(defaults) => defaults,
        _ => Map::new(),
    }
}

/// What a body sets. Removing by null needs something to remove, so only changes know it.
pub(super) fn read(fields: &mut Fields, creating: bool) -> Map<String, Value> {
    let settings = fields.settings(SETTINGS, !creating);
    let parked = settings.get("outbound").and_then(|outbound| outbound["call_parking_enabled"].as_bool()) == Some(true);
    let texml = settings.get("webhook_api_version").is_some_and(|version| version == "texml");
    if texml && !(creating && parked) {
        fields.fault(Code::Bad, "/webhook_api_version", "can be texml only on create, with call parking on");
    }
    settings
}

/// All settings as they are shown: what was set over what is there by itself.
pub(super) fn shown(set: Option<&Value>) -> Map<String, Value> {
    let mut shown = defaults();
    if let Some(Value::Object(set)) = set {
        overlay(&mut shown, set);
    }
    shown
}

fn overlay(below: &mut Map<String, Value>, above: &Map<String, Value>) {
    for (name, value) in above {
        match (below.get_mut(name), value) {
            (Some(Value::Object(below)), Value::Object(above)) => overlay(below, above),
            _ => drop(below.insert(name.clone(), value.clone())),
        }
    }
}
