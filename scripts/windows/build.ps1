# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Builds the driver package with the WDK: image, stamped INF, catalog, test signature.

.DESCRIPTION
Calls `cargo make` in driver/, which does it with the tasks that wdk-build brings. Needed: rustup's
stable toolchain for *-pc-windows-msvc, cargo-make, LLVM (libclang), and the WDK or an eWDK prompt.

.PARAMETER Configuration
cargo's profile: release (what ships) or dev.
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [ValidateSet('release', 'dev')] [string] $Configuration = 'release'
)
. "$PSScriptRoot\common.ps1"

$missing = @()
if (-not (Get-Command cargo -ErrorAction SilentlyContinue)) {
    $missing += 'cargo: install rustup, https://rustup.rs'
}
if (-not (Get-Command cargo-make -ErrorAction SilentlyContinue)) {
    $missing += 'cargo-make: cargo install cargo-make --locked'
}
if (-not $env:LIBCLANG_PATH -and -not (Get-Command clang -ErrorAction SilentlyContinue)) {
    $missing += 'libclang: winget install LLVM.LLVM'
}
$kits = 'HKLM:\SOFTWARE\Microsoft\Windows Kits\Installed Roots'
if (-not $env:WDKContentRoot -and -not (Test-Path $kits)) {
    $missing += 'the WDK: install it, or run this in an eWDK prompt'
}
if ($missing) {
    throw "This machine lacks:`n  $($missing -join "`n  ")"
}

$makeProfile = if ($Configuration -eq 'release') { 'release' } else { 'development' }
$directory = if ($Configuration -eq 'release') { 'release' } else { 'debug' }
if ($PSCmdlet.ShouldProcess("driver/", "cargo make --profile $makeProfile")) {
    $null = Invoke-Tool cargo @('make', '--cwd', "$Repository\driver", '--profile', $makeProfile)
    Write-Host "The package: $Repository\target\$directory\${ServiceName}_package"
}
