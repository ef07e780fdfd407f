import RxCore

/// Names for the operations that the transport counts by service and code.
package enum ProcedureNames {
  /// `RXAFS.FetchStatus`; nil for an operation of no interface here.
  ///
  /// - Parameter isOutgoing: RXAFS and RXAFSCB share service 1 and some codes; a cache manager calls the one and serves
  ///   the other.
  package static func name(service: UInt16, code: UInt32, isOutgoing: Bool) -> String? {
    let other = isOutgoing ? "RXAFSCB" : "RXAFS"
    return all.first { $0.1 == service && $0.2 == code && $0.0 != other }.map { "\($0.0).\($0.3)" }
  }

  /// Interface, service, code and name: all procedures of the interfaces, which a test compares.
  static let all: [(String, UInt16, UInt32, String)] = [
    ("PR", PR.serviceID.rawValue, PR.NameToID.opcode, PR.NameToID.name),
    ("PR", PR.serviceID.rawValue, PR.IDToName.opcode, PR.IDToName.name),
    ("PR", PR.serviceID.rawValue, PR.GetCPS.opcode, PR.GetCPS.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.FetchData.opcode, RXAFS.FetchData.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.FetchACL.opcode, RXAFS.FetchACL.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.FetchStatus.opcode, RXAFS.FetchStatus.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.StoreData.opcode, RXAFS.StoreData.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.StoreStatus.opcode, RXAFS.StoreStatus.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.RemoveFile.opcode, RXAFS.RemoveFile.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.CreateFile.opcode, RXAFS.CreateFile.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.Rename.opcode, RXAFS.Rename.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.Symlink.opcode, RXAFS.Symlink.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.Link.opcode, RXAFS.Link.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.MakeDir.opcode, RXAFS.MakeDir.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.RemoveDir.opcode, RXAFS.RemoveDir.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.GiveUpCallBacks.opcode, RXAFS.GiveUpCallBacks.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.GetVolumeStatus.opcode, RXAFS.GetVolumeStatus.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.SetVolumeStatus.opcode, RXAFS.SetVolumeStatus.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.GetRootVolume.opcode, RXAFS.GetRootVolume.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.GetTime.opcode, RXAFS.GetTime.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.BulkStatus.opcode, RXAFS.BulkStatus.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.SetLock.opcode, RXAFS.SetLock.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.ExtendLock.opcode, RXAFS.ExtendLock.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.ReleaseLock.opcode, RXAFS.ReleaseLock.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.XStatsVersion.opcode, RXAFS.XStatsVersion.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.GetXStats.opcode, RXAFS.GetXStats.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.Lookup.opcode, RXAFS.Lookup.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.FlushCPS.opcode, RXAFS.FlushCPS.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.OldStoreACL.opcode, RXAFS.OldStoreACL.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.StoreACL.opcode, RXAFS.StoreACL.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.InlineBulkStatus.opcode, RXAFS.InlineBulkStatus.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.FetchData64.opcode, RXAFS.FetchData64.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.StoreData64.opcode, RXAFS.StoreData64.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.GiveUpAllCallBacks.opcode, RXAFS.GiveUpAllCallBacks.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.GetCapabilities.opcode, RXAFS.GetCapabilities.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.CallBackRxConnAddr.opcode, RXAFS.CallBackRxConnAddr.name),
    ("RXAFS", RXAFS.serviceID.rawValue, RXAFS.GetStatistics64.opcode, RXAFS.GetStatistics64.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.CallBack.opcode, RXAFSCB.CallBack.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.InitCallBackState.opcode, RXAFSCB.InitCallBackState.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.Probe.opcode, RXAFSCB.Probe.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.GetLock.opcode, RXAFSCB.GetLock.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.GetCE.opcode, RXAFSCB.GetCE.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.XStatsVersion.opcode, RXAFSCB.XStatsVersion.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.GetXStats.opcode, RXAFSCB.GetXStats.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.InitCallBackState2.opcode, RXAFSCB.InitCallBackState2.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.WhoAreYou.opcode, RXAFSCB.WhoAreYou.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.InitCallBackState3.opcode, RXAFSCB.InitCallBackState3.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.ProbeUuid.opcode, RXAFSCB.ProbeUuid.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.GetServerPrefs.opcode, RXAFSCB.GetServerPrefs.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.GetCellServDB.opcode, RXAFSCB.GetCellServDB.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.GetLocalCell.opcode, RXAFSCB.GetLocalCell.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.GetCacheConfig.opcode, RXAFSCB.GetCacheConfig.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.GetCE64.opcode, RXAFSCB.GetCE64.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.GetCellByNum.opcode, RXAFSCB.GetCellByNum.name),
    ("RXAFSCB", RXAFSCB.serviceID.rawValue, RXAFSCB.TellMeAboutYourself.opcode, RXAFSCB.TellMeAboutYourself.name),
    ("VL", VL.serviceID.rawValue, VL.GetEntryByID.opcode, VL.GetEntryByID.name),
    ("VL", VL.serviceID.rawValue, VL.GetEntryByNameO.opcode, VL.GetEntryByNameO.name),
    ("VL", VL.serviceID.rawValue, VL.ProbeServer.opcode, VL.ProbeServer.name),
    ("VL", VL.serviceID.rawValue, VL.GetEntryByIDN.opcode, VL.GetEntryByIDN.name),
    ("VL", VL.serviceID.rawValue, VL.GetEntryByNameN.opcode, VL.GetEntryByNameN.name),
    ("VL", VL.serviceID.rawValue, VL.GetEntryByIDU.opcode, VL.GetEntryByIDU.name),
    ("VL", VL.serviceID.rawValue, VL.GetEntryByNameU.opcode, VL.GetEntryByNameU.name),
    ("VL", VL.serviceID.rawValue, VL.GetAddrsU.opcode, VL.GetAddrsU.name),
  ]
}
