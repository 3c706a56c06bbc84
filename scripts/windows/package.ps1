# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Makes a test-signed driver package of an image that was built elsewhere.

.DESCRIPTION
For edu_kmdf.sys built on Linux (scripts/build-driver.sh): stamps an INX of inf/, makes the catalog,
and signs image and catalog with a self-signed test certificate, made if there is none. It needs no
WDK. With the WDK, build.ps1 makes the whole package; on Linux, scripts/package.sh does.

.PARAMETER Image
The image.

.PARAMETER Package
The directory to make. Its contents are replaced if they are a package of this driver.

.PARAMETER Architecture
The processor that the image is for.

.PARAMETER Passive
Use the INF that has interrupts handled at PASSIVE_LEVEL, by the device's line.

.PARAMETER Eductl
eductl.exe, to have it in the package [default: the one that cargo built, if it did].
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)] [string] $Image,
    [string] $Package = (Join-Path $PSScriptRoot '..\..\target\edu_kmdf_package'),
    [ValidateSet('amd64', 'arm64')] [string] $Architecture = 'amd64',
    [switch] $Passive,
    [string] $Eductl
)
. "$PSScriptRoot\common.ps1"

# Ends the script if a directory has anything in it that no package of this driver has.
function Assert-OwnPackage {
    param([Parameter(Mandatory)] [string] $Directory)
    if (-not (Test-Path $Directory)) { return }
    $others = @(Get-ChildItem -Force $Directory | Where-Object {
            $_.PSIsContainer -or $_.Name -notmatch "^($ServiceName(_passive)?\.(sys|inf|cat|pdb)|eductl\.exe|.*\.cer)$"
        })
    if ($others) {
        throw "$Directory is no package of ${ServiceName}: it has $($others[0].Name). Name another directory with -Package."
    }
}

$subject = $TestCertificates[0]
$infName = if ($Passive) { "${ServiceName}_passive" } else { $ServiceName }
$inx = Join-Path $Repository "inf\$infName.inx"
foreach ($file in $Image, $inx) {
    if (-not (Test-Path -PathType Leaf $file)) { throw "There is no file $file." }
}
Assert-OwnPackage $Package
if (-not $PSCmdlet.ShouldProcess($Package, "make a test-signed package of $Image")) { return }

if (Test-Path $Package) { Remove-Item -Recurse $Package }
$null = New-Item -ItemType Directory $Package
$sys = Join-Path $Package "$ServiceName.sys"
$inf = Join-Path $Package "$infName.inf"
$cat = Join-Path $Package "$infName.cat"
Copy-Item $Image $sys

# What stampinf does with -d * -v *: today, and the time of day as the version, so that a later build
# wins. KMDF 1.15: docs/adr/0001-kmdf-1.15.md.
$now = Get-Date
$version = $now.ToString('MM/dd/yyyy', [Globalization.CultureInfo]::InvariantCulture) +
    ",$($now.Hour).$($now.Minute).$($now.Second).$($now.Millisecond)"
$text = (Get-Content -Raw $inx).Replace('$ARCH$', $Architecture).Replace('$KMDFVERSION$', '1.15')
$text = $text -replace '(?m)^DriverVer\s*=.*?(\r?)$', "DriverVer   = $version`$1"
# The checkout has LF; the tools of older kits read no such INF.
$text = $text -replace '(?<!\r)\n', "`r`n"
Set-Content -NoNewline -Encoding Ascii -Path $inf -Value $text

$certificate = Get-ChildItem Cert:\CurrentUser\My -CodeSigningCert |
    Where-Object { $_.Subject -eq $subject -and $_.NotAfter -gt (Get-Date) } |
    Select-Object -First 1
if (-not $certificate) {
    $certificate = New-SelfSignedCertificate -Type CodeSigningCert -Subject $subject `
        -CertStoreLocation Cert:\CurrentUser\My -HashAlgorithm SHA256
}
# The image first: the catalog has its hash.
foreach ($file in $sys, $cat) {
    if ($file -eq $cat) {
        $null = New-FileCatalog -Path $Package -CatalogFilePath $cat -CatalogVersion 2.0
    }
    $signature = Set-AuthenticodeSignature -FilePath $file -Certificate $certificate -HashAlgorithm SHA256 `
        -IncludeChain All
    # UnknownError: signed, and the certificate not trusted yet; install.ps1 does that.
    if ($signature.Status -notin 'Valid', 'UnknownError') {
        throw "$file could not be signed: $($signature.StatusMessage)"
    }
}
$null = Export-Certificate -Cert $certificate -FilePath (Join-Path $Package 'test-certificate.cer')
# After the catalog: what follows is not the driver's.
if (-not $Eductl) {
    $built = Join-Path $Repository 'target\release\eductl.exe'
    if (Test-Path $built) { $Eductl = $built } else { Write-Warning 'The package has no eductl.exe: cargo build --release --package eductl, or name one with -Eductl.' }
}
if ($Eductl) { Copy-Item $Eductl (Join-Path $Package 'eductl.exe') }
Write-Host "The package: $Package"
