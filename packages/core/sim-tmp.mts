import { simulate } from '/tmp/wt/lead/packages/core/src/testing/index.ts'
const from=Number(process.argv[2]??1), n=Number(process.argv[3]??1), defect=process.argv[4] as never
const t=performance.now(); let ev=0
for(let s=from;s<from+n;s++){ const r=await simulate({seed:s, ...(defect?{defect}:{})}); ev+=r.events; if(n<4||r.violations.length) console.log(JSON.stringify(r,null,1)) }
console.log(n,'seeds',ev,'events',((performance.now()-t)/1000).toFixed(1),'s', ((performance.now()-t)*1000/ev).toFixed(1),'us/event')
