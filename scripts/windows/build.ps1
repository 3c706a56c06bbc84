# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Builds the driver package with the WDK: image, stamped INF, catalog, test signature. And eductl.

.DESCRIPTION
Says first what the machine lacks, all of it at once; docs/windows.md names the versions. Then calls
`cargo make` in driver/, which does it with the tasks that wdk-build brings, and puts eductl.exe beside
the driver.

.PARAMETER Configuration
cargo's profile: release (what ships) or dev.
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [ValidateSet('release', 'dev')] [string] $Configuration = 'release'
)
. "$PSScriptRoot\common.ps1"

# The kit that wdk-build takes, found as wdk-build finds it.
function Get-KitRoot {
    foreach ($root in $env:WDKContentRoot, $env:MicrosoftKitRoot) {
        if ($root) { return $(if ($root -eq $env:MicrosoftKitRoot) { Join-Path $root '10' } else { $root }) }
    }
    foreach ($software in 'HKLM:\SOFTWARE\Microsoft', 'HKLM:\SOFTWARE\WOW6432Node\Microsoft') {
        $key = Get-ItemProperty "$software\Windows Kits\Installed Roots" -Name KitsRoot10 -ErrorAction SilentlyContinue
        if ($key) { return $key.KitsRoot10 }
    }
}

# What is wrong with the WDK, if anything.
function Test-Kit {
    $root = Get-KitRoot
    if (-not $root -or -not (Test-Path $root)) {
        return 'the WDK: winget install Microsoft.WindowsWDK.10.0.26100, or run this in an eWDK prompt'
    }
    # wdk-build takes the highest version below Lib, also where it is an SDK's without a WDK.
    $version = $env:Version_Number
    if (-not $version) {
        $version = Get-ChildItem -Directory (Join-Path $root 'Lib') -Filter '10.*' -ErrorAction SilentlyContinue |
            Sort-Object { [version] $_.Name } | Select-Object -Last 1 -ExpandProperty Name
    }
    $complete = @(Get-ChildItem -Directory (Join-Path $root 'Include') -Filter '10.*' -ErrorAction SilentlyContinue |
            Where-Object { Test-Path (Join-Path $_.FullName 'km\crt') } | Select-Object -ExpandProperty Name)
    if (-not $complete) {
        return "the WDK: there is only an SDK in $root (no Include\10.*\km\crt); winget install Microsoft.WindowsWDK.10.0.26100"
    }
    if ($complete -notcontains $version) {
        return "a WDK for the SDK $version, which wdk-build would take: install it, or `$env:Version_Number = '$($complete[-1])'"
    }
}

# libclang's directory, found as bindgen finds it.
function Get-LibclangDirectory {
    $clang = Get-Command clang -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    $candidates = @($env:LIBCLANG_PATH)
    if ($clang) { $candidates += Split-Path $clang.Source }
    $candidates += Join-Path $env:ProgramFiles 'LLVM\bin'
    $candidates | Where-Object { $_ -and (Test-Path (Join-Path $_ 'libclang.dll')) } | Select-Object -First 1
}

# Whether a process of this user may make a symbolic link: wdk-build makes one. New-Item of Windows
# PowerShell asks for more than cargo does, so it is not what is tried.
function Test-SymbolicLink {
    $link = Join-Path ([IO.Path]::GetTempPath()) ([IO.Path]::GetRandomFileName())
    $null = Invoke-Tool cmd @('/d', '/c', 'mklink', $link, "$PSCommandPath") -Allowed 0, 1
    $made = Test-Path $link
    if ($made) { [IO.File]::Delete($link) }
    $made
}

$missing = @()
if (-not (Get-Command cargo -ErrorAction SilentlyContinue)) {
    $missing += 'cargo: install rustup, https://rustup.rs'
}
if (-not (Get-Command cargo-make -ErrorAction SilentlyContinue)) {
    $missing += 'cargo-make: cargo install cargo-make --locked'
}
$libclang = Get-LibclangDirectory
if (-not $libclang) {
    $missing += 'libclang: winget install LLVM.LLVM --version 17.0.6'
} else {
    $llvm = (Get-Item (Join-Path $libclang 'libclang.dll')).VersionInfo.ProductVersion
    if ($llvm -and $llvm -notmatch '^17\.') {
        Write-Warning "libclang in $libclang is of LLVM $llvm; Microsoft builds its crates with 17.0.6. If types come out opaque: winget install LLVM.LLVM --version 17.0.6 --force"
    }
}
$kit = Test-Kit
if ($kit) { $missing += $kit }
$vswhere = Join-Path ${env:ProgramFiles(x86)} 'Microsoft Visual Studio\Installer\vswhere.exe'
$linker = if ($env:VCToolsInstallDir) { $env:VCToolsInstallDir } elseif (Test-Path $vswhere) {
    & $vswhere -products '*' -latest -requires Microsoft.VisualStudio.Component.VC.Tools.x86.x64 -property installationPath
}
if (-not $linker) {
    $missing += "link.exe: Visual Studio's Build Tools with the C++ workload, or an eWDK prompt"
}
foreach ($name in 'RUSTFLAGS', 'CARGO_ENCODED_RUSTFLAGS') {
    $flags = [Environment]::GetEnvironmentVariable($name)
    if ($flags -and $flags -notmatch '\+crt-static') {
        $missing += "the static C runtime: $name is set and replaces .cargo\config.toml; Remove-Item Env:$name"
    }
}
if (-not (Test-SymbolicLink)) {
    $missing += 'the right to make a symbolic link (os error 1314): turn on Developer Mode, or run this elevated'
}
if ($missing) {
    throw "This machine lacks:`n  $($missing -join "`n  ")"
}

$makeProfile = if ($Configuration -eq 'release') { 'release' } else { 'development' }
$directory = if ($Configuration -eq 'release') { 'release' } else { 'debug' }
if ($PSCmdlet.ShouldProcess("driver/", "cargo make --profile $makeProfile")) {
    $null = Invoke-Tool cargo @('make', '--cwd', "$Repository\driver", '--profile', $makeProfile)
    $package = "$Repository\target\$directory\${ServiceName}_package"
    $null = Invoke-Tool cargo @(
        'build', '--release', '--package', 'eductl', '--manifest-path', "$Repository\Cargo.toml"
    )
    # After the catalog: it is the app's, not the driver's.
    Copy-Item "$Repository\target\release\eductl.exe" $package
    Write-Host "The package: $package"
}
