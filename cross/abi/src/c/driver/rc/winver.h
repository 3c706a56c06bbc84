/* The numbers of version resources, as documented for winver.h. */
#pragma once
#define VS_VERSION_INFO 1
#define VS_FFI_FILEFLAGSMASK 0x3F
#define VS_FF_DEBUG 0x1
#define VS_FF_PRERELEASE 0x2
#define VS_FF_PRIVATEBUILD 0x8
#define VS_FF_SPECIALBUILD 0x20
#define VOS_NT 0x40000
#define VOS_NT_WINDOWS32 0x40004
#define VOS__WINDOWS32 0x4
#define VFT_UNKNOWN 0
#define VFT_APP 1
#define VFT_DLL 2
#define VFT_DRV 3
#define VFT2_UNKNOWN 0
#define VFT2_DRV_KEYBOARD 2
#define VFT2_DRV_DISPLAY 4
#define VFT2_DRV_MOUSE 5
#define VFT2_DRV_NETWORK 6
#define VFT2_DRV_SYSTEM 7
#define VFT2_DRV_INSTALLABLE 8
#define VFT2_DRV_SOUND 9
#define VFT2_DRV_COMM 10
