// Everything that a program needs which makes or serves Rx calls: `import Rx`. See Documentation.docc.
// AFSBase has the times and their operators, SystemPackage the files that streams send and receive.
@_exported public import AFSBase
@_exported public import struct AFSTypes.AbortCode
@_exported public import RxCore
@_exported public import RxTransport
@_exported public import SystemPackage
