"""The nightly job's steps, in order: loads, extract, checks (staging), flatten, build, checks (mart), publish."""
