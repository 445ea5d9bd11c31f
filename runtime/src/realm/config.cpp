// SPDX-License-Identifier: MIT
#include "config.hpp"

#include <thread>

#include <fmt/format.h>

#include "vesc/forming/tiers.hpp"
#include "vesc/snapshot/snapshot.hpp"

namespace vesc::realm {
namespace {

// Every feature a job's constraint may name must exist on some node, or slurmctld answers "Invalid
// feature specification": a node that never starts holds the whole pool of names.
std::string name_pool(unsigned slots_per_tier) {
  std::string pool = snapshot::kAnywhereFeature;
  for (std::size_t tier = 0; tier < forming::kTiersMax; ++tier) {
    std::uint32_t limit_us = forming::tier_limit_us(tier);
    for (unsigned slot = 1; slot <= slots_per_tier; ++slot) {
      pool += "," + snapshot::slot_feature(limit_us, slot);
    }
    pool += "," + snapshot::limit_feature(limit_us);
  }
  return pool;
}

}  // namespace

std::string slurm_conf(const Paths& paths, const SlurmConfig& config) {
  std::string text = fmt::format(
      "# A realm of the virtual WAN; made anew by every 'vesc realm up'.\n"
      "ClusterName=vesc\n"
      "SlurmctldHost=ctl({})\n"
      "SlurmUser=slurm\n"
      "AuthType=auth/munge\n"
      "CredType=cred/munge\n"
      "StateSaveLocation={}\n"
      "SlurmdSpoolDir={}/%n\n"
      "SlurmctldPidFile=/run/slurmctld.pid\n"
      "SlurmdPidFile=/run/slurmd.pid\n"
      "SlurmctldLogFile={}/slurmctld.log\n"
      "SlurmdLogFile={}/slurmd-%n.log\n"
      "SlurmctldDebug=verbose\n"
      "SlurmdDebug=info\n"
      "\n",
      config.controller_address, paths.state(), paths.spool(), paths.logs(), paths.logs());
  text += fmt::format(
      "# Nodes join by themselves (slurmd -Z); their addresses are those they register from.\n"
      "SelectType=select/cons_tres\n"
      "SelectTypeParameters=CR_Core\n"
      "MaxNodeCount={}\n"
      "TreeWidth=65533\n"
      "CommunicationParameters=NoAddrCache\n"
      "ReturnToService=2\n"
      "MessageTimeout=20\n"
      "SlurmdTimeout=60\n"
      "\n"
      "ProctrackType=proctrack/linuxproc\n"
      "TaskPlugin=task/none\n"
      "JobAcctGatherType=jobacct_gather/none\n"
      "MpiDefault=pmix\n"
      "MaxJobCount=20000\n"
      "KillWait=5\n"
      "# A blocked job at the head of the queue must not keep others from idle groups for long.\n"
      "SchedulerType=sched/backfill\n"
      "SchedulerParameters=bf_interval=5,bf_continue,bf_max_job_test=2000,sched_min_interval="
      "100000,batch_sched_delay=1\n"
      "\n",
      config.nodes + 16);
  if (config.plugins) {
    text += fmt::format(
        "PluginDir=/usr/lib/x86_64-linux-gnu/slurm-wlm:{}\n"
        "JobSubmitPlugins=vesc\n"
        "NodeName=vescslots State=FUTURE Feature={}\n",
        paths.plugins(), name_pool(config.slots_per_tier));
  }
  text +=
      "NodeSet=wan Feature=vesc\n"
      "PartitionName=main Nodes=wan Default=YES MaxTime=INFINITE State=UP\n";
  return text;
}

std::string cgroup_conf() {
  return "# Nothing here is confined by cgroups: the hosts of a virtual WAN share one machine.\n"
         "CgroupPlugin=autodetect\n"
         "IgnoreSystemd=yes\n"
         "ConstrainCores=no\n"
         "ConstrainRAMSpace=no\n";
}

std::string plugstack_conf(const Paths& paths, bool plugins) {
  if (!plugins) return "# no SPANK plugins: stock Slurm\n";
  return fmt::format("required {}/spank_vesc.so mpi_env=/etc/slurm/mpi.env\n", paths.plugins());
}

std::string vesc_conf(const Paths& paths, bool verify_tables) {
  return fmt::format(
      "# What the VESC plugins in slurmctld read, through their worker thread.\n"
      "snapshot = \"{}\"\n"
      "snapshot_owner = {}\n"
      "stale_after_s = 300\n"
      "default_placement = \"tightest\"\n"
      "poll_ms = 200\n"
      "verify_tables = {}\n"
      "statistics = \"{}\"\n",
      paths.snapshot(), kScheddUid, verify_tables, paths.statistics());
}

std::string mpi_env() {
  return "# Open MPI moves data through UCX over TCP on the WAN's device.\n"
         "OMPI_MCA_pml=ucx\n"
         "OMPI_MCA_osc=ucx\n"
         "OMPI_MCA_btl=^openib,tcp\n"
         "OMPI_MCA_opal_common_ucx_tls=any\n"
         "OMPI_MCA_opal_common_ucx_devices=any\n"
         "UCX_TLS=tcp,self\n"
         "UCX_NET_DEVICES=wan0\n"
         "# More ranks than cores on one machine: a waiting rank gives its core away.\n"
         "OMPI_MCA_mpi_yield_when_idle=1\n";
}

std::string node_conf() {
  unsigned cpus = std::max(1u, std::thread::hardware_concurrency());
  return fmt::format("CPUs={} RealMemory=500 Feature=vesc,{}", cpus, snapshot::kAnywhereFeature);
}

}  // namespace vesc::realm
