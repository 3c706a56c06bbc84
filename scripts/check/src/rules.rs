//! What running the scripts on Windows takes, as far as their text shows it.

use std::collections::BTreeMap;

use crate::{Command, Script};

/// A rule, and what breaks it.
pub struct Rule {
    /// What must hold.
    pub text: &'static str,
    /// What breaks it, of a set of scripts; each with script and line.
    pub breaches: fn(&[Script]) -> Vec<String>,
    /// A script's name and text that break it.
    pub broken: (&'static str, &'static str),
}

/// All rules.
pub const RULES: &[Rule] = &[
    rule(
        "a script is PowerShell",
        |scripts| {
            each(scripts, |script| {
                script.errors().into_iter().map(|line| (line, "")).collect()
            })
        },
        ("a.ps1", "if ($a { Get-Item }"),
    ),
    rule(
        "a script that was not run says so first",
        |scripts| {
            each(scripts, |script| {
                let says = script.text().starts_with("# NOT RUN ON WINDOWS YET");
                if says { Vec::new() } else { vec![(1, "")] }
            })
        },
        ("a.ps1", "Get-Item ."),
    ),
    rule(
        "what is called exists, with the parameters it is given",
        unknown_functions,
        (
            "common.ps1",
            "function Get-One { param([string] $Of) $Of }\nGet-One -For 1",
        ),
    ),
    rule(
        "a program's exit code is looked at, and what it says on standard error ends no script",
        |scripts| {
            commands(scripts, |command| {
                PROGRAMS.contains(&command.name.to_lowercase().as_str())
            })
        },
        ("a.ps1", "pnputil /add-driver a.inf 2>&1"),
    ),
    rule(
        "Verifier's exit codes 1 (nothing) and 2 (after a restart) end no query",
        |scripts| {
            commands(scripts, |command| {
                command.text.contains("verifier @('/query")
                    && !command.text.contains("-Allowed 0, 1, 2")
            })
        },
        ("a.ps1", "Invoke-Tool verifier @('/query')"),
    ),
    rule(
        "a signature of a self-signed certificate has that certificate in it",
        |scripts| {
            commands(scripts, |command| {
                command.name == "Set-AuthenticodeSignature"
                    && !command.text.contains("-IncludeChain All")
            })
        },
        (
            "a.ps1",
            "Set-AuthenticodeSignature -FilePath a -Certificate $c",
        ),
    ),
    rule(
        "a package is installed after the driver's other packages are removed",
        |scripts| {
            each(scripts, |script| {
                let commands = script.commands();
                let place = |text: &str| commands.iter().position(|c| c.text.contains(text));
                match (place("'/add-driver'"), place("Remove-InstalledPackage")) {
                    (Some(add), remove) if remove.is_none_or(|remove| remove > add) => {
                        vec![(1, "the package with the higher DriverVer stays")]
                    }
                    _ => Vec::new(),
                }
            })
        },
        (
            "a.ps1",
            "Invoke-Tool pnputil @('/add-driver', $inf, '/install')",
        ),
    ),
    rule(
        "an installation fails unless the device then runs the new driver",
        |scripts| {
            each(scripts, |script| {
                let asks = ["DEVPKEY_Device_ProblemCode", "DEVPKEY_Device_DriverVersion"];
                let installs = script.text().contains("'/add-driver'");
                let asks = asks.iter().all(|name| script.text().contains(name));
                if installs && !asks {
                    vec![(1, "")]
                } else {
                    Vec::new()
                }
            })
        },
        (
            "install.ps1",
            "Invoke-Tool pnputil @('/add-driver', $inf, '/install')",
        ),
    ),
    rule(
        "DriverVer rises with every build",
        |scripts| {
            each(scripts, |script| {
                let fixed = script.text().contains("0.1.0.0");
                if fixed {
                    vec![(1, "the version is fixed")]
                } else {
                    Vec::new()
                }
            })
        },
        ("package.ps1", "$version = $date + ',0.1.0.0'"),
    ),
    rule(
        "an INF that is written has CRLF",
        |scripts| {
            each(scripts, |script| {
                let stamps = script.text().contains("'$ARCH$'");
                let converts = script.text().contains("-replace '(?<!\\r)\\n', \"`r`n\"");
                if stamps && !converts {
                    vec![(1, "")]
                } else {
                    Vec::new()
                }
            })
        },
        (
            "package.ps1",
            "$text.Replace('$ARCH$', $a) | Set-Content $inf",
        ),
    ),
    rule(
        "a directory is deleted only after it was found to be a package",
        |scripts| {
            each(scripts, |script| {
                let commands = script.commands();
                let place = |text: &str| commands.iter().position(|c| c.text.contains(text));
                match (place("Remove-Item -Recurse"), place("Assert-OwnPackage $")) {
                    (Some(remove), check) if check.is_none_or(|check| check > remove) => {
                        vec![(commands[remove].line, "")]
                    }
                    _ => Vec::new(),
                }
            })
        },
        ("package.ps1", "Remove-Item -Recurse $Package"),
    ),
    rule(
        "the newest package is installed, and named",
        |scripts| {
            each(scripts, |script| {
                let first = script.text().contains("Select-Object -First 1 ")
                    || !script.text().contains("LastWriteTime");
                let looks = script.text().contains("_package\"");
                let is_install = script.name == "install.ps1";
                if is_install && looks && first {
                    vec![(1, "")]
                } else {
                    Vec::new()
                }
            })
        },
        (
            "install.ps1",
            "'target' | Where-Object { Test-Path \"a_package\" } | Select-Object -First 1",
        ),
    ),
    rule(
        "a certificate goes with its key",
        |scripts| {
            each(scripts, |script| {
                let removes = script.text().contains("remove $($_.Subject)");
                let key = script.text().contains("-DeleteKey");
                if removes && !key {
                    vec![(1, "")]
                } else {
                    Vec::new()
                }
            })
        },
        (
            "uninstall.ps1",
            "if ($PSCmdlet.ShouldProcess('a', \"remove $($_.Subject)\")) { Remove-Item $_.PSPath }",
        ),
    ),
    rule(
        "the framework is verified with its driver",
        |scripts| {
            commands(scripts, |command| {
                command.text.contains("verifier @('/standard'")
                    && !command.text.contains("'wdf01000.sys'")
            })
        },
        (
            "a.ps1",
            "Invoke-Tool verifier @('/standard', '/driver', 'a.sys')",
        ),
    ),
    rule(
        "the package brings eductl",
        |scripts| {
            each(scripts, |script| {
                let makes = script.text().contains("The package: ") && script.name != "install.ps1";
                if makes && !script.text().contains("eductl.exe") {
                    vec![(1, "")]
                } else {
                    Vec::new()
                }
            })
        },
        ("build.ps1", "Write-Host \"The package: $Package\""),
    ),
    rule(
        "build.ps1 looks for what wdk-build needs, where wdk-build looks",
        |scripts| {
            each(scripts, |script| {
                const NEEDED: [(&str, &str); 9] = [
                    ("mklink", "the right to make a symbolic link"),
                    ("LLVM\\bin", "libclang below Program Files"),
                    ("17.0.6", "which LLVM"),
                    ("km\\crt", "a WDK, not only an SDK"),
                    ("Version_Number", "which kit"),
                    ("MicrosoftKitRoot", "where the kits are"),
                    ("'RUSTFLAGS'", "flags that replace those of .cargo"),
                    (
                        "'CARGO_ENCODED_RUSTFLAGS'",
                        "flags that replace those of .cargo",
                    ),
                    ("vswhere", "link.exe"),
                ];
                if script.name != "build.ps1" {
                    return Vec::new();
                }
                let lacking = NEEDED
                    .iter()
                    .filter(|(text, _)| !script.text().contains(text));
                lacking.map(|(_, what)| (1, *what)).collect()
            })
        },
        (
            "build.ps1",
            "Test-Path 'HKLM:\\SOFTWARE\\Microsoft\\Windows Kits\\Installed Roots'",
        ),
    ),
];

const fn rule(
    text: &'static str,
    breaches: fn(&[Script]) -> Vec<String>,
    broken: (&'static str, &'static str),
) -> Rule {
    Rule {
        text,
        breaches,
        broken,
    }
}

/// Programs that are run by Invoke-Tool only.
const PROGRAMS: [&str; 8] = [
    "bcdedit",
    "cargo",
    "cmd",
    "pnputil",
    "powercfg",
    "powershell",
    "sc.exe",
    "verifier",
];

/// Commands of PowerShell and of the modules that Windows has, as far as the scripts use them.
const CMDLETS: &[&str] = &[
    "ConvertFrom-Json",
    "ConvertTo-Json",
    "Copy-Item",
    "Export-Certificate",
    "ForEach-Object",
    "Format-List",
    "Get-ChildItem",
    "Get-Command",
    "Get-Content",
    "Get-Date",
    "Get-Item",
    "Get-ItemProperty",
    "Get-PnpDevice",
    "Get-PnpDeviceProperty",
    "Get-WinEvent",
    "Get-WindowsDriver",
    "Import-Certificate",
    "Join-Path",
    "New-FileCatalog",
    "New-Item",
    "New-ItemProperty",
    "New-Object",
    "New-ScheduledTaskAction",
    "New-ScheduledTaskPrincipal",
    "New-ScheduledTaskSettingsSet",
    "New-ScheduledTaskTrigger",
    "New-SelfSignedCertificate",
    "Out-Host",
    "Register-ScheduledTask",
    "Remove-Item",
    "Remove-ItemProperty",
    "Resolve-Path",
    "Restart-Computer",
    "Select-Object",
    "Select-String",
    "Set-AuthenticodeSignature",
    "Set-Content",
    "Set-StrictMode",
    "Sort-Object",
    "Split-Path",
    "Start-Process",
    "Start-Sleep",
    "Stop-Computer",
    "Stop-Process",
    "Test-Path",
    "Where-Object",
    "Write-Host",
    "Write-Warning",
];

fn unknown_functions(scripts: &[Script]) -> Vec<String> {
    each(scripts, |script| {
        let own = script.functions();
        let commands = script.commands();
        let shared: BTreeMap<_, _> = scripts
            .iter()
            .filter(|other| {
                commands
                    .iter()
                    .any(|command| command.dot_sources(&other.name))
            })
            .flat_map(Script::functions)
            .collect();
        let mut found = Vec::new();
        for command in commands {
            let name = command.name.as_str();
            if name.is_empty() || name.starts_with(['$', '"']) || CMDLETS.contains(&name) {
                continue;
            }
            match own.get(name).or_else(|| shared.get(name)) {
                None => found.push((command.line, "there is no such command")),
                Some(parameters) => {
                    let is_known = |given: &String| parameters.contains(given);
                    if !command.parameters.iter().all(is_known) {
                        found.push((command.line, "it has no such parameter"));
                    }
                }
            }
        }
        found
    })
}

fn commands(scripts: &[Script], is_wrong: fn(&Command) -> bool) -> Vec<String> {
    each(scripts, |script| {
        let wrong = script.commands().into_iter().filter(is_wrong);
        wrong.map(|command| (command.line, "")).collect()
    })
}

fn each(scripts: &[Script], find: impl Fn(&Script) -> Vec<(usize, &'static str)>) -> Vec<String> {
    let breaches = scripts.iter().flat_map(|script| {
        let found = find(script).into_iter();
        found.map(|(line, text)| format!("{}:{line}: {text}", script.name))
    });
    breaches.collect()
}
